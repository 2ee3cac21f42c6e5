"""What an option names belongs to the run: whichever option takes a file, its content is kept in run.json."""

import json

import pytest

from mcuref.cli import _parser, options
from mcuref.incremental.learner import IncrementalLearner

NET = """
    input = [4]
    layers = [{kind = "dense", outputs = 8}, {kind = "relu"}, {kind = "dense", outputs = 3}]
"""
OUTPUTS = ("--out", "--json", "--resume")  # of the run itself
SHORT = {
    "train": ("--epochs", "1"), "compare": ("--epochs", "1", "--method", "full"),
    "incremental": ("--per-class", "3", "--steps", "20", "--tasks", "1", "--compare", "random"),
}  # fmt: skip


@pytest.fixture
def net(here):
    """A model in a file."""
    (here / "net.toml").write_text(NET)


def options_of(command):
    """Its options that take a value."""
    (commands,) = (action for action in _parser()._actions if action.choices and "train" in action.choices)
    return [a for a in commands.choices[command]._actions if a.option_strings and a.nargs is None]


@pytest.mark.parametrize("command", SHORT)
def test_every_option_that_takes_a_file_reads_a_model(mcuref, small, net, here, command, monkeypatch):
    """All are tried: what takes a file and is not declared as a model would escape the fingerprint."""
    monkeypatch.setattr("mcuref.report.incremental_runs._draw", lambda *arguments: None)
    taking, file = [], "net.toml"
    for i, action in enumerate(options_of(command)):
        (name,) = action.option_strings
        kept = () if command == "compare" else ("--out", f"run{i}")
        given = ("--data", small, *SHORT[command], *kept, name, file)
        if name not in OUTPUTS and mcuref(command, *given).status == 0:
            taking.append(name)
            assert action.type is options.model
            if kept:
                arguments = json.loads((here / f"run{i}" / "run.json").read_text())["arguments"]
                assert arguments[action.dest] == {"name": file, "text": NET}
    assert taking == [a.option_strings[0] for a in options_of(command) if a.type is options.model]
    assert taking == ["--model", "--embedding"][: 2 if command == "incremental" else 1]


@pytest.mark.parametrize("file", ["net.toml", "net.toml@0.5"])
@pytest.mark.parametrize("option", ["--model", "--embedding"])
def test_a_file_that_changes_changes_nothing(mcuref, small, net, here, monkeypatch, option, file):
    """Neither after an interruption, from another folder, nor while the run goes on."""
    monkeypatch.setattr("mcuref.report.incremental_runs._draw", lambda *arguments: None)
    given = ("--data", small, "--per-class", "3", "--steps", "20", "--compare", "herding", option, file)
    assert mcuref("incremental", *given, "--out", "whole").status == 0
    learn, left = IncrementalLearner.learn, iter(range(2))

    def changing(learner, *arguments, **keywords):
        (here / "net.toml").write_text(NET.replace("outputs = 8", "outputs = 5"))
        if next(left, None) is None:
            raise KeyboardInterrupt
        return learn(learner, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(IncrementalLearner, "learn", changing)
        assert mcuref("incremental", *given, "--out", "run").status == 130
    (here / "net.toml").unlink()
    monkeypatch.chdir(here / "small")
    assert mcuref("incremental", "--resume", "../run").status == 0
    reports = [json.loads((here / name / "report.json").read_text()) for name in ("whole", "run")]
    assert all(report.pop("timing") for report in reports) and reports[0] == reports[1]


@pytest.mark.parametrize("kept, words", [
    ({"model": "net.toml"}, "argument --model: model file 'net.toml' does not exist"),
    ({"model": {"name": "net.toml", "text": 5}}, "its model has no text"), ({"model": {}}, "its model has no text"),
    ({"model": {"name": "x", "text": "x"}}, "model 'x' is not known"),
    ({"model": {"name": "net.toml", "text": "x"}}, "is not valid TOML"),
    ({"model": {"name": "net.toml", "text": NET, "more": 1}}, "its argument --model was never given so"),
    ({"seed": "1"}, "its argument --seed was never given so"), ({"seed": True}, "argument --seed: expected one argument"),
    ({"seed": -1}, "argument --seed: '-1' is not a whole number"), ({"seed": 1.0}, "argument --seed: '1.0' is not a whole"),
    ({"seed": False}, "its argument --seed was never given so"), ({"seed": [1]}, "its argument --seed was never given so"),
    ({"seed": None}, "argument --seed: 'None' is not a whole number"), ({"data": 3}, "--data was never given so"),
    ({"data": ["a", "b"]}, "--data was never given so"), ({"data": {"name": "x", "text": NET}}, "--data was never given so"),
    ({"settings": "a=3"}, "its argument --set was never given so"), ({"settings": [3]}, "--set was never given so"),
    ({"evaluate": "x"}, "its --evaluate 'x' is not known; it may be test"), ({"policy": []}, "--policy was never given so"),
    ({"more": 1}, "its arguments are not those of this command"), (None, "its arguments are not those of this command"),
])  # fmt: skip
def test_arguments_that_no_command_line_gives(here, kept, words):
    """Kept by something else in a run.json whose checksum is right."""
    parser = next(a for a in _parser()._actions if a.choices and "train" in a.choices).choices["train"]
    right = parser.get_default("defaults")
    right = {name: value for name, value in right.items() if name not in options.NOT_KEPT}
    assert options.begun(right, parser) == right
    with pytest.raises(ValueError) as error:
        options.begun(kept and right | kept, parser)
    assert words in str(error.value)


def test_reports_and_sources_do_not_tell_where_a_file_lies(mcuref, small, net, here):
    """Nor who works there: they carry the name that was given, without its folder."""
    file = str(here / "net.toml")
    given = ("--data", small, "--model", file, "--json", "report.json")
    for command in (("estimate",), ("compare", *SHORT["compare"]), ("incremental", *SHORT["incremental"])):
        assert mcuref(*command, *given).status == 0
        assert json.loads((here / "report.json").read_text())["model"] == "net.toml"
    assert mcuref("models", file, "--json", "report.json").status == 0
    assert json.loads((here / "report.json").read_text())["models"][0]["name"] == "net.toml"
    assert mcuref("train", *SHORT["train"], *given, "--out", "run").status == 0
    assert mcuref("export", "run", "--c", "firmware", "--vectors", "vectors", "--samples", "2").status == 0
    assert "net.toml trained by" in (here / "firmware/README.txt").read_text()
    written = [path for name in ("firmware", "vectors") for path in (here / name).rglob("*") if path.is_file()]
    for path in (*written, here / "run/report.json", here / "report.json"):
        assert str(here).encode() not in path.read_bytes(), path
