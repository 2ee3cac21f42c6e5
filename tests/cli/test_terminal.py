"""What files and folders are called reaches the terminal as text: no escape sequence, and nothing to paste that runs."""

import shlex

import pytest

from mcuref.cli.console import say

EVIL = "\x1b]0;owned\x07\x9b2J\u202e"  # a title, a cleared screen, text turned around
SHOWN = "\\x1b]0;owned"


def unharmed(text):
    """Nothing in the text that a terminal obeys."""
    return all(c == "\n" or c.isprintable() for c in text)


def test_names_in_tables_and_results(mcuref, save, arrays, here):
    data = save(arrays, f"data{EVIL}")
    outcome = mcuref("train", "--data", data, "--epochs", "1", "--out", f"run{EVIL}")
    assert outcome.status == 0 and unharmed(outcome.out) and f"run kept in run{SHOWN}" in outcome.out
    shown = mcuref("report", f"run{EVIL}")
    assert shown.status == 0 and unharmed(shown.out) and SHOWN in shown.out


def test_a_name_of_two_lines_is_one(mcuref, small, here):
    outcome = mcuref("train", "--data", small, "--epochs", "1", "--out", "run\nmcuref: all is well")
    assert outcome.status == 0 and outcome.out.splitlines()[-1].startswith("run kept in run mcuref: all is well")


def test_names_in_sentences(refused, here):
    for arguments in (("train", "--data", f"x{EVIL}"), ("report", f"x{EVIL}"), ("train", f"--x{EVIL}\n"), (EVIL,)):
        assert unharmed(refused("\\x1b", *arguments))


def test_an_error_of_the_system(mcuref, monkeypatch):
    def fails(*_):
        raise OSError(5, "Input/output error", f"x{EVIL}")

    monkeypatch.setattr("mcuref.report.lists.targets_tables", fails)
    outcome = mcuref("targets")
    assert outcome.status == 2 and unharmed(outcome.err) and SHOWN in outcome.err


def test_warnings(capsys):
    say(f"checkpoint x{EVIL}\nis damaged")
    assert unharmed(capsys.readouterr().err)


@pytest.mark.parametrize("folder", ["my firmware", "a;b", "$(touch owned)", "`x`", "it's"])
def test_the_commands_of_an_export_can_be_pasted(mcuref, small, here, folder):
    assert mcuref("train", "--data", small, "--epochs", "1", "--out", "run").status == 0
    outcome = mcuref("export", "run", "--c", folder, "--samples", "2")
    build, verify = (line.partition(": ")[2] for line in outcome.out.strip().splitlines()[-2:])
    assert shlex.quote(folder) in build and shlex.split(build) == ["make", "-C", folder, "run"]
    assert shlex.split(verify) == ["mcuref", "verify", folder, "--core", "host"]
