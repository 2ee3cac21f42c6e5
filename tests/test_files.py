"""Files and folders appear whole or not at all, and what was there before stays."""

import os

import pytest

from mcuref import InputError
from mcuref.files import check_new_file, check_new_folder, check_outputs, new_file, new_folder, write_json


def names(folder):
    """Everything in a folder, hidden ones too."""
    return sorted(os.listdir(folder))


def test_json_is_indented_in_the_order_given(tmp_path):
    write_json(tmp_path / "x.json", {"b": 1, "a": [2.5, None]})
    assert (tmp_path / "x.json").read_text() == '{\n  "b": 1,\n  "a": [\n    2.5,\n    null\n  ]\n}\n'
    assert names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_nan_is_not_json(tmp_path, value):
    (tmp_path / "x.json").write_text("old")
    with pytest.raises(InputError, match="x.json' was not written: the result has NaN or infinite"):
        write_json(tmp_path / "x.json", {"a": [value]})
    assert (tmp_path / "x.json").read_text() == "old" and names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ZeroDivisionError()])
def test_a_file_stays_if_its_successor_fails(tmp_path, error):
    (tmp_path / "x.json").write_text("old")
    expected = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), new_file(tmp_path / "x.json") as part:
        part.write_text("half")
        raise error
    assert (tmp_path / "x.json").read_text() == "old" and names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ZeroDivisionError()])
def test_a_folder_that_fails_leaves_nothing_not_even_its_parents(tmp_path, error):
    (tmp_path / "old").mkdir()
    expected = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), new_folder(tmp_path / "old/new/er/run") as part:
        (part / "x").write_text("half")
        raise error
    assert names(tmp_path) == ["old"] and names(tmp_path / "old") == []


def test_a_folder_appears_at_the_end(tmp_path):
    with new_folder(tmp_path / "a/b/run") as part:
        (part / "x").write_text("whole")
        assert not (tmp_path / "a/b/run").exists()
    assert names(tmp_path / "a/b") == ["run"] and (tmp_path / "a/b/run/x").read_text() == "whole"


def test_links(tmp_path):
    """A link to a file stays a link; its target is replaced. A dangling one may not become a folder."""
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_json(tmp_path / "link.json", 1)
    assert (tmp_path / "link.json").is_symlink() and (tmp_path / "real.json").read_text() == "1\n"
    (tmp_path / "dangling").symlink_to("nosuch")
    with pytest.raises(InputError, match="appeared meanwhile"), new_folder(tmp_path / "dangling"):
        pass
    assert names(tmp_path) == ["dangling", "link.json", "real.json"]


def test_long_names(tmp_path):
    """The temporary name is not longer than the name itself may be."""
    for name in ("x" * 250 + ".json", "ü" * 125):
        check_outputs(tmp_path / name)
        write_json(tmp_path / name, 1)
        with new_folder(tmp_path / ("y" + name[1:])):
            pass
    assert len(names(tmp_path)) == 4


@pytest.mark.parametrize("path, reason", [
    ("folder", "exists already"), ("file", "exists already"), ("dangling", "exists already"), ("", "exists already"),
    ("new/..", "exists already"), ("file/x", "not a directory"), ("dangling/x", "not a folder one may write to"),
    ("dangling/x/y", "not a folder one may write to"), ("x" * 256, "file name too long"), ("a\0b", "null"),
])  # fmt: skip
def test_impossible_folders(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir(), (tmp_path / "file").touch(), (tmp_path / "dangling").symlink_to("/nosuch/x")
    with pytest.raises(InputError, match=reason):
        check_new_folder(path)


@pytest.mark.parametrize("path, reason", [
    ("folder", "is a folder"), ("", "is a folder"), ("nosuch/x", "there is no folder"), ("file/x", "not a directory"),
    ("dangling", "there is no folder '/nosuch'"), ("/dev/null", "not an ordinary file"),
    ("pipe", "not an ordinary file"), ("x" * 256, "file name too long"), ("a\0b", "null"),
])  # fmt: skip
def test_impossible_files(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir(), (tmp_path / "file").touch(), (tmp_path / "dangling").symlink_to("/nosuch/x")
    os.mkfifo("pipe")
    with pytest.raises(InputError, match=reason):
        check_new_file(path)


def test_possible_places_are_not_touched(tmp_path):
    (tmp_path / "file").write_text("mine")
    check_outputs(tmp_path / "file", None, tmp_path / "new.json", folder=tmp_path / "a/b/c")
    assert names(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_one_place_for_each_result(tmp_path):
    (tmp_path / "link").symlink_to("x")
    for files, folder in ((("x", "x"), None), (("x", "link"), None), (("x",), "x"), (("x",), "x/y")):
        with pytest.raises(InputError, match="is named for two results"):
            check_outputs(*(tmp_path / file for file in files), folder=folder and tmp_path / folder)
