"""Pieces that were done are not done again; what is not whole, or was decided by something else, does not count."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mcuref import Budget, Data, InputError
from mcuref.experiments import pieces
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import named_rules
from mcuref.experiments.kinds import kinds
from mcuref.experiments.store import PieceStore
from mcuref.training import Trainer

ENTRIES = named_rules(["full", "topk"])


@pytest.fixture
def data():
    """30 training and 9 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(39, 4)).astype(np.float32)
    y = np.arange(39) % 3
    x[np.arange(39), y] += 1
    return Data("small", "features", x[:30], y[:30], x[30:], y[30:])


@pytest.fixture
def trained(monkeypatch):
    """The seeds of what is trained, pre-training included, in a list that grows."""
    seeds = []

    def run(trainer, original=Trainer.run):
        seeds.append(trainer.seed)
        return original(trainer)

    monkeypatch.setattr(Trainer, "run", run)
    return seeds


def bare(rows):
    return json.dumps(rows)  # durations are those of the first time


def test_what_was_kept_comes_back(tmp_path):
    store, result = (
        PieceStore(tmp_path / "a" / "b"),
        {"x": [1, 0.1, None, "ü"], "w": np.arange(6, dtype=np.int8).reshape(2, 3)},
    )
    assert store.find({"n": 1}) is None
    store.keep({"n": 1}, result)
    found = store.find({"n": 1})
    assert found["x"] == result["x"] and found["w"].dtype == np.int8 and np.array_equal(found["w"], result["w"])
    found["w"][0, 0] = 9  # as an array of one's own
    assert store.find({"n": 2}) is None and list(store.found({"a": {"n": 1}, "b": {"n": 2}})) == ["a"]
    bits = np.array([np.nan, -0.0, 1e-45, np.inf], np.float32)
    store.keep({"n": 3}, {"bits": bits})
    assert store.find({"n": 3})["bits"].tobytes() == bits.tobytes()


@pytest.mark.parametrize("damage", [
    lambda text: text[: len(text) // 2], lambda text: "", lambda text: "[]", lambda text: text.replace('"n": 1', '"n": 2'),
    lambda text: text.replace("mcuref.piece/1", "mcuref.piece/9"), lambda text: '{"schema": "mcuref.piece/1"}',
])  # fmt: skip
def test_a_file_that_is_not_whole_does_not_count(tmp_path, damage):
    store = PieceStore(tmp_path)
    store.keep({"n": 1}, {"x": 1})
    (file,) = tmp_path.iterdir()
    file.write_text(damage(file.read_text()))
    assert store.find({"n": 1}) is None
    store.keep({"n": 1}, {"x": 2})
    assert store.find({"n": 1}) == {"x": 2}


@pytest.mark.parametrize("regime", ["scratch", "continue"])
def test_rows_of_a_store_are_the_same_bytes(data, tmp_path, trained, regime):
    keywords = {"seeds": (0, 1), "epochs": 2, "regime": regime, "kinds": kinds(["float32", "int8"])}
    first = Comparison(data, "mlp-4-5-3", **keywords).run(ENTRIES, store=PieceStore(tmp_path))
    assert len(trained) == 2 * 2 * 2 + 2 * (regime == "continue")
    trained.clear()
    again = Comparison(data, "mlp-4-5-3", **keywords).run(ENTRIES, store=PieceStore(tmp_path))
    assert bare(again) == bare(first) and trained == []
    plain = Comparison(data, "mlp-4-5-3", **keywords).run(ENTRIES)
    assert [row | {"timing": {}} for row in plain] == [row | {"timing": {}} for row in first]


def test_an_interrupted_comparison_goes_on_where_it_was(data, tmp_path, trained, monkeypatch):
    """One training fails; those that were done before it, and what came before them, are kept."""
    keywords = {"seeds": (0, 1), "epochs": 2, "regime": "continue"}
    monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda: 1)
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "fractions", lambda *_, original=pieces.fractions: original(*_) if len(trained) < 5 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Comparison(data, "mlp-4-5-3", **keywords).run(ENTRIES, store=PieceStore(tmp_path))
    assert len(list(tmp_path.iterdir())) == 4
    trained.clear()
    rows = Comparison(data, "mlp-4-5-3", **keywords).run(ENTRIES, store=PieceStore(tmp_path))
    assert len(trained) == 2
    plain = Comparison(data, "mlp-4-5-3", **keywords).run(ENTRIES)
    assert [row | {"timing": {}} for row in plain] == [row | {"timing": {}} for row in rows]


def test_only_new_entries_are_trained(data, tmp_path, trained):
    store, comparison = PieceStore(tmp_path), Comparison(data, "mlp-4-5-3", epochs=2)
    comparison.run(ENTRIES, store=store)
    trained.clear()
    more = {"half": replace(ENTRIES["full"], share=0.5), "less": replace(ENTRIES["full"], epochs=1)}
    rows = comparison.run(ENTRIES | more, store=store)
    assert len(trained) == 2 and len({row["total_effort"] for row in rows}) == 4


@pytest.mark.parametrize("change", [
    {"learning_rate": 0.5}, {"epochs": 3}, {"trainable": 1}, {"momentum": 0.5}, {"model": "mlp-4-6-3"}, {"data": 1.0},
    {"seeds": (1,)}, {"regime": "continue"}, {"budget": Budget(None, None, core="m4f")}, {"sources": "training.py"},
], ids=str)  # fmt: skip
def test_what_was_decided_by_something_else_does_not_count(data, tmp_path, change, monkeypatch, trained):
    asked = {"model": "mlp-4-5-3", "epochs": 2, "seeds": (0,)}
    Comparison(data, **asked).run({"full": ENTRIES["full"]}, store=PieceStore(tmp_path))
    trained.clear()
    if "data" in change:
        x = data.x_test.copy()
        x[0, 0] += change.pop("data")
        data = replace(data, x_test=x)
    if change.pop("sources", None):
        monkeypatch.setattr("mcuref.sources._digest_of", lambda path: path.name.encode())
    Comparison(data, **(asked | change)).run({"full": ENTRIES["full"]}, store=PieceStore(tmp_path))
    assert trained, "it was trained anew"


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder .*file/pieces' of pieces cannot be made"):
        PieceStore(tmp_path / "file" / "pieces")
