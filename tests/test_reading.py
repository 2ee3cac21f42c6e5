"""Only ordinary files are read, whatever else has their name; nothing is waited for."""

import os
import socket

import pytest

from mcuref.errors import InputError
from mcuref.reading import open_ordinary


def refused(path, *fragments):
    with pytest.raises(InputError) as caught:
        open_ordinary(path, "the file", "a book")
    for fragment in ("the file ", *fragments):
        assert fragment in str(caught.value)


def test_an_ordinary_file_and_a_link_to_it(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        with open_ordinary(tmp_path / name, "the file") as file:
            assert file.read() == b"content"


def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "cannot be read: it is a named pipe; a book is needed there")


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    found = os.stat(__file__)
    monkeypatch.setattr(os, "stat", lambda _: found)
    refused(tmp_path / "pipe", "is no ordinary file")


def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        refused("socket", "is a socket")


def test_a_device():
    refused("/dev/zero", "is a device")


def test_a_folder(tmp_path):
    refused(tmp_path, "is a folder; a book is needed there")


def test_nothing_and_a_link_to_nothing(tmp_path):
    refused(tmp_path / "none", "does not exist; a book is needed there")
    (tmp_path / "link").symlink_to("else\x1bwhere")
    refused(tmp_path / "link", r"is a link to 'else\x1bwhere', which does not exist")


def test_a_link_to_itself_and_an_impossible_name(tmp_path):
    (tmp_path / "link").symlink_to("link")
    refused(tmp_path / "link", "cannot be read: too many levels of symbolic links")
    refused("a\0b", "cannot be read: ", "null")


@pytest.mark.parametrize("function", ["os.stat", "builtins.open"])
def test_permission_is_permission(tmp_path, monkeypatch, function):
    def forbidden(*_, **__):  # chmod would not stop the administrator, who may be running this
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").touch()
    with monkeypatch.context() as patch:
        patch.setattr(function, forbidden)
        with pytest.raises(InputError, match="the file may not be read by this user; give this user permission"):
            open_ordinary(tmp_path / "a", "the file")
