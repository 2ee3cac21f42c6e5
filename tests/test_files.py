"""Files and folders appear whole or not at all, and what was there before stays."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from mcuref import InputError
from mcuref.files import (
    PRIVATE,
    WriteError,
    check_new_file,
    check_new_folder,
    check_outputs,
    held,
    new_file,
    new_folder,
    remove_leftovers,
    write_json,
)


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
    expected = WriteError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), new_file(tmp_path / "x.json") as part:
        part.write_text("half")
        raise error
    assert (tmp_path / "x.json").read_text() == "old" and names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ZeroDivisionError()])
def test_a_folder_that_fails_leaves_nothing_not_even_its_parents(tmp_path, error):
    (tmp_path / "old").mkdir()
    expected = WriteError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), new_folder(tmp_path / "old/new/er/run") as part:
        (part / "x").write_text("half")
        raise error
    assert names(tmp_path) == ["old"] and names(tmp_path / "old") == []


def test_a_folder_appears_at_the_end(tmp_path):
    with new_folder(tmp_path / "a/b/run") as part:
        (part / "x").write_text("whole")
        assert not (tmp_path / "a/b/run").exists()
    assert names(tmp_path / "a/b") == ["run"] and (tmp_path / "a/b/run/x").read_text() == "whole"


def test_a_folder_appears_without_leftovers(tmp_path):
    with new_folder(tmp_path / "run") as part:
        leftover(part / f".mcuref-{'0a' * 8}.part")
        write_json(part / "x.json", 1)
    assert names(tmp_path / "run") == ["x.json"]


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
    ("-", "would be stdout, which is no folder"),
])  # fmt: skip
def test_impossible_folders(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir(), (tmp_path / "file").touch(), (tmp_path / "dangling").symlink_to("/nosuch/x")
    with pytest.raises(InputError, match=reason):
        check_new_folder(path)


@pytest.mark.parametrize("path, reason", [
    ("folder", "is a folder"), ("", "is a folder"), ("nosuch/x", "there is no folder"), ("file/x", "not a directory"),
    ("dangling", "there is no folder '/nosuch'"), ("socket", "not an ordinary file"),
    ("x" * 256, "file name too long"), ("a\0b", "null"),
])  # fmt: skip
def test_impossible_files(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir(), (tmp_path / "file").touch(), (tmp_path / "dangling").symlink_to("/nosuch/x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(InputError, match=reason):
            check_new_file(path)


def test_possible_places_are_not_touched(tmp_path):
    (tmp_path / "file").write_text("mine")
    check_outputs(tmp_path / "file", None, tmp_path / "new.json", folder=tmp_path / "a/b/c")
    assert names(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_a_present_folder(tmp_path):
    """One to write into, as it is; another result must not lie in it."""
    (tmp_path / "run").mkdir()
    check_outputs(tmp_path / "x.json", folder=tmp_path / "run", present=True)
    with pytest.raises(InputError, match="is named for two results"):
        check_outputs(tmp_path / "run/report.json", folder=tmp_path / "run", present=True)
    with pytest.raises(InputError, match="no permission to write in it"):
        check_outputs(folder=tmp_path / "nosuch", present=True)


def test_leftovers_of_killed_attempts(tmp_path):
    """Private folders go; nothing else does."""
    ours, theirs = leftover(tmp_path / f".mcuref-{'0a' * 8}.part"), f".mcuref-{'1b' * 8}.part"
    (tmp_path / ".1.part.checkpoint").touch(), (tmp_path / ".hidden").touch(), (tmp_path / theirs).mkdir(0o700)
    leftover(tmp_path / ".mcuref-0a.part"), leftover(tmp_path / f"x.mcuref-{'0a' * 8}.part")
    (tmp_path / f".mcuref-{'2c' * 8}.part").symlink_to(tmp_path / ".mcuref-0a.part"), (tmp_path / ours / "x").touch()
    before = names(tmp_path)
    remove_leftovers(tmp_path)
    assert set(before) - set(names(tmp_path)) == {ours} and names(tmp_path / ".mcuref-0a.part") == ["half"]
    remove_leftovers(tmp_path / "nosuch")


def leftover(path):
    """A private folder as a process that was killed leaves it; returns its name."""
    path.mkdir(PRIVATE)
    (path / "half").write_text("half")
    return path.name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_private_folders_of_others_stay(tmp_path):
    os.chown(tmp_path / leftover(tmp_path / f".mcuref-{'0a' * 8}.part"), 65534, 65534)
    remove_leftovers(tmp_path)
    assert len(names(tmp_path)) == 1


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_what_is_being_made_is_nobody_elses(tmp_path, make):
    """Its folder is private; a second process that writes beside it leaves it alone, and removes it once it is left."""
    with make(tmp_path / "x") as part:
        assert part.name == "x" and part.parent.parent == tmp_path and os.stat(part.parent).st_mode & 0o7777 == PRIVATE
        part.write_text("mine") if make is new_file else (part / "y").touch()
        write_json(tmp_path / "other.json", 1), remove_leftovers(tmp_path)
        assert part.exists()
        shutil.copytree(part.parent, left := tmp_path / f".mcuref-{'0a' * 8}.part")  # the same, held by nobody
        write_json(tmp_path / "other.json", 1)
        assert part.exists() and not left.exists()
    assert names(tmp_path) == ["other.json", "x"]


@pytest.mark.parametrize("make", [new_file, new_folder])
def test_the_next_attempt_removes_what_a_killed_one_left(tmp_path, make):
    child = os.fork()
    if child == 0:
        with make(tmp_path / "x"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(names(tmp_path)) == 1
    with make(tmp_path / "x") as part:
        part.write_text("whole") if make is new_file else None
    assert names(tmp_path) == ["x"]


def test_a_refused_attempt_removes_it_too(tmp_path):
    """Killed between the renaming and the end, the folder is whole and its private folder is left."""
    (tmp_path / "run").mkdir(), leftover(tmp_path / f".mcuref-{'0a' * 8}.part")
    with pytest.raises(InputError, match="exists already"):
        check_new_folder(tmp_path / "run")
    assert names(tmp_path) == ["run"]


def test_planted_names_are_neither_followed_nor_removed(tmp_path, monkeypatch):
    """Whoever guesses a name gains nothing: a link is not followed, a folder is not taken over, another name is used."""
    secret = tmp_path / "secret"
    secret.write_text("mine")
    monkeypatch.setattr("mcuref.files.secrets.token_hex", lambda _: "0a" * 8)
    planted = tmp_path / f".mcuref-{'0a' * 8}.part"
    for plant in (lambda: planted.symlink_to(secret), lambda: planted.symlink_to(tmp_path), planted.mkdir):
        plant()
        with pytest.raises(WriteError, match="file exists"):
            write_json(tmp_path / "x.json", 1)
        with pytest.raises(WriteError, match="file exists"), new_folder(tmp_path / "run"):
            pass
        assert os.path.lexists(planted) and secret.read_text() == "mine" and not (tmp_path / "x.json").exists()
        planted.rmdir() if planted.is_dir() and not planted.is_symlink() else planted.unlink()


def test_what_took_the_place_of_a_private_folder_is_not_removed(tmp_path):
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "x") as part:
        part.parent.rename(tmp_path / "moved")
        part.parent.mkdir(), (part.parent / "thesis").touch()
        raise ZeroDivisionError
    assert (part.parent / "thesis").exists()


def test_a_private_folder_that_is_removed_at_once_is_made_anew(tmp_path, monkeypatch):
    """Another process may take it for what was left, before it is held."""
    original, taken = os.open, []

    def remove_first(path, *arguments, **keywords):
        if ".mcuref-" in str(path) and not taken:
            taken.append(path), os.rmdir(path)
        return original(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", remove_first)
    write_json(tmp_path / "x.json", 1)
    assert len(taken) == 1 and names(tmp_path) == ["x.json"]


def test_held_by_one_at_a_time(tmp_path):
    (tmp_path / "x").write_text("mine")
    with held(tmp_path / "x", "taken"):
        for _ in "ab":
            with pytest.raises(InputError, match="^taken$"), held(tmp_path / "x", "taken"):
                raise AssertionError("held twice")
    with held(tmp_path / "x", "taken"), pytest.raises(InputError, match="y' cannot be used: no such file"):
        with held(tmp_path / "y", "taken"):
            pass
    assert names(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "mine"


def test_held_until_the_process_is_killed(tmp_path):
    (tmp_path / "x").touch()
    code = f"""if True:
        import time
        from mcuref.files import held
        with held({str(tmp_path / "x")!r}, ""):
            print("held", flush=True)
            time.sleep(60)"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match="taken"), held(tmp_path / "x", "taken"):
        pass
    process.kill(), process.communicate()
    with held(tmp_path / "x", "taken"):
        pass


@pytest.mark.parametrize("locks", [None, OSError(95, "Operation not supported")], ids=["none", "not here"])
def test_without_locks_nothing_is_held(tmp_path, monkeypatch, locks):
    """On a system or a file system without locks one goes on without."""

    class Module:
        LOCK_EX = LOCK_NB = 0

        @staticmethod
        def flock(*_):
            raise locks

    monkeypatch.setattr("mcuref.files.fcntl", locks and Module)
    (tmp_path / "x").touch()
    with held(tmp_path / "x", "taken"), held(tmp_path / "x", "taken"):
        pass


def test_one_place_for_each_result(tmp_path):
    (tmp_path / "link").symlink_to("x")
    for files, folder in ((("x", "x"), None), (("x", "link"), None), (("x",), "x"), (("x",), "x/y")):
        with pytest.raises(InputError, match="is named for two results"):
            check_outputs(*(tmp_path / file for file in files), folder=folder and tmp_path / folder)
