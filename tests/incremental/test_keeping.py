"""An experiment's folder: every strategy of every seed where it stood, or a clear refusal."""

import shutil
import threading

import numpy as np
import pytest

from mcuref import InputError, build, compile, sources
from mcuref.incremental.keeping import ExperimentCheckpoints, fingerprint
from mcuref.runs import checkpoints
from mcuref.runs import fingerprint as runs_fingerprint

MINE = fingerprint("a", {"tasks": 5, "model": "mlp"}, ())


def never(sentence):
    raise AssertionError(sentence)


def keeper(folder, mine=MINE, warn=never):
    return ExperimentCheckpoints(folder, mine, warn)


def state(number):
    plain = {"classes": [7, number], "steps": 1 << 40, "macs": {"training": 0.1 * number}}
    return plain, {"program.w": np.full((2, 3), number, np.float32), "stored.none": np.zeros(0, np.uint8)}


def rows(number):
    return [{"task": i + 1, "accuracy": 0.1 * i, "stopped": None} for i in range(number)]


def same(kept, number):
    found_rows, matrix, (plain, arrays) = kept
    expected = state(number)
    assert found_rows == rows(number) and matrix == [[0.1] * number] * number and plain == expected[0]
    assert {n: (v.dtype, v.shape, v.tobytes()) for n, v in arrays.items()} == {
        n: (v.dtype, v.shape, v.tobytes()) for n, v in expected[1].items()
    }


def keep(made, seed, strategy, number):
    made.keep(seed, strategy, rows(number), [[0.1] * number] * number, state(number))


def test_what_was_kept_comes_back_whole(tmp_path):
    made = keeper(tmp_path)
    assert made.kept(0, "growing") is None
    keep(made, 0, "growing", 1)
    keep(made, 0, "growing", 2)
    keep(made, 1, "growing", 3)
    keep(made, 1, "k-center", 1)
    keep(made, 11, "growing", 4)
    keep(made, 1, "k", 2)
    for found in (made, keeper(tmp_path)):
        for seed, strategy, number in (
            (0, "growing", 2),
            (1, "growing", 3),
            (1, "k-center", 1),
            (1, "k", 2),
            (11, "growing", 4),
        ):
            same(found.kept(seed, strategy), number)
        assert found.kept(2, "growing") is None and found.kept(0, "random") is None
    keep(keeper(tmp_path), 0, "random", 1)
    same(keeper(tmp_path).kept(11, "growing"), 4)


def test_what_was_kept_is_a_copy(tmp_path):
    made, mine = keeper(tmp_path), rows(2)
    made.keep(0, "growing", mine, [[0.1, 0.1]] * 2, state(2))
    mine[0]["accuracy"] = 9
    same(made.kept(0, "growing"), 2)
    made.kept(0, "growing")[0][0]["accuracy"] = 9
    made.kept(0, "growing")[2][0]["classes"].append(3)
    same(made.kept(0, "growing"), 2)


def test_seeds_keep_at_the_same_time(tmp_path):
    made = keeper(tmp_path)

    def work(seed):
        for number in range(1, 5):
            keep(made, seed, "growing", number)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = keeper(tmp_path)
    for seed in range(6):
        same(found.kept(seed, "growing"), 4)


def test_the_order_in_which_seeds_run_does_not_show(tmp_path):
    steps = [(seed, strategy, number) for seed in (0, 2, 10) for strategy in ("growing", "random") for number in (1, 2)]
    contents = []
    for i, order in enumerate((steps, sorted(steps, key=lambda step: (step[2], -step[0])))):
        (folder := tmp_path / str(i)).mkdir()
        made = keeper(folder)
        for step in order:
            keep(made, *step)
        contents.append((folder / "checkpoint").read_bytes())
    assert contents[0] == contents[1]
    assert list(checkpoints.read(folder / "checkpoint")[0]["done"]) == [
        f"{seed}/{strategy}" for seed in (0, 2, 10) for strategy in ("growing", "random")
    ]


def test_what_a_strategy_no_longer_has_is_forgotten(tmp_path):
    made = keeper(tmp_path)
    plain, arrays = state(1)
    made.keep(0, "growing", rows(1), [], (plain, arrays | {"stored.old": np.ones(3)}))
    made.keep(0, "growing-x", rows(1), [], (plain, arrays))
    made.keep(0, "growing", rows(1), [], (plain, arrays))
    found = keeper(tmp_path)
    assert set(found.kept(0, "growing")[2][1]) == set(found.kept(0, "growing-x")[2][1]) == set(arrays)


def test_a_damaged_checkpoint_falls_back_and_two_are_refused(tmp_path):
    made, warnings = keeper(tmp_path), []
    for number in (1, 2):
        keep(made, 0, "growing", number)
    path = tmp_path / "checkpoint"
    path.write_bytes(path.read_bytes()[:-1])
    same(keeper(tmp_path, warn=warnings.append).kept(0, "growing"), 1)
    assert len(warnings) == 1 and "checksum" in warnings[0]
    path.write_bytes(b"nothing")
    (tmp_path / "checkpoint.previous").write_bytes(b"")
    with pytest.raises(InputError, match="remove"):
        keeper(tmp_path)


@pytest.mark.parametrize(
    "other, words",
    [
        (fingerprint("b", {"tasks": 5, "model": "mlp"}, ()), "other data"),
        (fingerprint("a", {"tasks": 6, "model": "mlp"}, ()), "other settings"),
        (MINE | {"mcuref": "0"}, "another version of mcuref"),
    ],
)
def test_another_experiment_is_refused(tmp_path, other, words):
    keep(keeper(tmp_path), 0, "growing", 1)
    before = (tmp_path / "checkpoint").read_bytes()
    with pytest.raises(InputError, match=words):
        keeper(tmp_path, other)
    assert (tmp_path / "checkpoint").read_bytes() == before


def test_the_order_of_what_was_asked_does_not_matter():
    assert fingerprint("a", {"model": "mlp", "tasks": 5}, ()) == MINE


@pytest.mark.parametrize("header", ({}, [], None, {"fingerprint": MINE}, {"fingerprint": MINE, "done": 3}), ids=str)
def test_checkpoints_of_something_else_are_refused(tmp_path, header):
    checkpoints.save(tmp_path, header, {})
    with pytest.raises(InputError):
        keeper(tmp_path)


def test_entries_that_this_experiment_never_wrote_stop_nothing(tmp_path):
    """A checkpoint may be made by hand: its fingerprint fits, but an entry is of no seed."""
    entry = {"rows": [], "matrix": [], "plain": {}}
    checkpoints.save(tmp_path, {"fingerprint": MINE, "done": {"nonsense": entry, "": entry}}, {"also/": np.zeros(1)})
    made = keeper(tmp_path)
    for seed in (10, 9):
        keep(made, seed, "growing", 1)
    header, _ = checkpoints.load(tmp_path, never)
    assert [key for key in header["done"] if "/" in key] == ["9/growing", "10/growing"]


def test_an_edit_of_what_no_model_uses_leaves_an_experiment_as_it_is(tmp_path, monkeypatch):
    programs = [compile(build("mlp-9-8-3"))]
    package = shutil.copytree(sources.PACKAGE, tmp_path / "mcuref", ignore=shutil.ignore_patterns("__pycache__", "c"))
    for module in (sources, runs_fingerprint):
        monkeypatch.setattr(module, "PACKAGE", package)

    def found():
        sources.forget()
        return fingerprint("a", {}, programs)["mcuref"]

    mine, used = found(), ("kernels/matching.py", "layers/dense.py", "incremental/learner.py", "kernels/selection.py")
    for name in (*used, "layers/depthwise.py", "kernels/pooling.py", "operations/dispatch.py", "cli/train.py"):
        text = (package / name).read_text()
        (package / name).write_text(text + "# edited\n")
        assert (found() != mine) == (name in used), name
        (package / name).write_text(text)
    sources.forget()
