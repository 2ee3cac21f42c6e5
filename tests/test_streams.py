"""Stdout, pipes, devices and open files are written to as they are; what is an ordinary file is still replaced whole."""

import json
import os
import stat
import threading

import pytest

from mcuref import InputError
from mcuref.files import WriteError, check_outputs, new_file, write_json
from mcuref.streams import is_stdout, is_stream


def written(path):
    """Check as commands do, write; returns what stands there then."""
    check_outputs(path)
    write_json(path, [1])


@pytest.mark.parametrize("path", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_stdout(tmp_path, monkeypatch, capfd, path):
    monkeypatch.chdir(tmp_path)
    os.symlink("/dev/stdout", "link")
    assert is_stdout(path) and is_stream(path)
    written(path)
    with new_file(path) as part:
        part.write_text("picture")
    assert json.loads(capfd.readouterr().out.removesuffix("picture")) == [1] and os.listdir() == ["link"]


@pytest.mark.parametrize("path", ["./-", "x", "/dev/null", "/dev/fd/2", "/dev/fd/11", "a\0b", "", "-x"])
def test_what_is_not_stdout(path):
    assert not is_stdout(path)


def test_a_file_called_like_stdout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written("./-")
    assert json.loads((tmp_path / "-").read_text()) == [1]


def test_a_device_stays(tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    for path in ("/dev/null", tmp_path / "link"):
        written(path)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and os.listdir(tmp_path) == ["link"]
    with pytest.raises(WriteError, match="file '/dev/full' cannot be written: no space left on device"):
        written("/dev/full")


def test_a_pipe_is_not_waited_for_until_there_is_something_to_write(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe")
    check_outputs(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_json(pipe, [1])
    reader.join(10)
    assert json.loads(read[0]) == [1] and os.listdir(tmp_path) == ["pipe"]


def test_an_open_file_is_written_where_it_stands(tmp_path):
    """As a shell opens it with >>; it is not replaced, nor cut."""
    with open(tmp_path / "log", "ab") as log:
        log.write(b"before ")
        log.flush()
        written(f"/dev/fd/{log.fileno()}")
        assert (tmp_path / "log").stat().st_ino == os.fstat(log.fileno()).st_ino
    assert (tmp_path / "log").read_text() == "before [\n  1\n]\n"


def test_open_files_that_cannot_be_written(tmp_path):
    (tmp_path / "x").touch()
    with open(tmp_path / "x", "rb") as file:
        with pytest.raises(InputError, match="is protected from writing"):
            check_outputs(f"/dev/fd/{file.fileno()}")
    with pytest.raises(InputError, match="'/dev/fd/9999' cannot be written: it is not open"):
        check_outputs("/dev/fd/9999")


def test_a_disk_is_refused(tmp_path, monkeypatch):
    """Writing into it would destroy what is on it."""
    disk = os.stat_result((stat.S_IFBLK | 0o660, *os.stat(tmp_path)[1:]))
    monkeypatch.setattr("mcuref.streams.os.stat", lambda path, **_: disk)
    assert not is_stream("/dev/nosuch")


def test_one_place_for_each_result():
    with pytest.raises(InputError, match="'/dev/fd/1' is named for two results"):
        check_outputs("-", "/dev/stdout")
