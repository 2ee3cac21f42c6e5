"""The learner: on what it is judged, and samples that pass by while it trains."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import InputError
from mcuref.incremental import rehearsal
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.criterion import Verification
from mcuref.incremental.layout import CHECKS, SEEN, STORED
from mcuref.program.program import Program

from .learners import ALWAYS, TASKS, bits, blobs, few, learn, learner, taught


@pytest.fixture(autouse=True)
def executor_first(compiled_executor):
    """What it trains on when it is compiled is not watched."""


def trained_on(monkeypatch):
    """Lists that fill with the samples and labels that programs train on."""
    x, y, train = [], [], Program.train

    def spy(self, samples, labels, *arguments, **given):
        x.extend(np.array(samples))
        y.extend(np.asarray(labels).tolist())
        return train(self, samples, labels, *arguments, **given)

    monkeypatch.setattr(Program, "train", spy)
    return x, y


def test_stored_checks_count_and_are_not_trained_on(monkeypatch):
    shown, _ = trained_on(monkeypatch)
    plain = learner(criterion=ALWAYS)
    made = learner(criterion=ALWAYS, verification=Verification("stored", per_class=3), stream_pass=True, steps=400)
    assert made.samples.stored_bytes == plain.samples.stored_bytes + 6 * 3 * (9 + 1)
    x, y = blobs((7, 3))
    row = made.learn(x, y)
    assert row["samples"] == 50 - 6 and made.memory.classes[:3, CHECKS].tolist() == [3, 3, 0]
    kept, labels = made.checks.all()
    assert labels.tolist() == [7] * 3 + [3] * 3
    distance = np.abs(x[:, None] - kept[None]).max(axis=2)
    step = made.layout.check_codec.step.max()
    assert (distance.min(axis=0) <= 0.51 * step).all()
    chosen = distance.argmin(axis=0)
    assert (y[chosen] == labels).all() and len(set(chosen.tolist())) == 6
    streamed = np.array(shown)[:44]
    assert sorted(map(bytes, streamed)) == sorted(map(bytes, np.delete(x, chosen, axis=0)))
    assert row["accuracy"] == np.mean(made.predict(kept) == labels) == made.verify()


def test_arriving_samples_are_predicted_before_they_could_be_learned(monkeypatch):
    shown, _ = trained_on(monkeypatch)
    made = learner(criterion=ALWAYS, verification=Verification("arriving", share=0.2), stream_pass=True, steps=400)
    x, y = blobs((7, 3))
    row = made.learn(x, y)
    assert row["samples"] == 40
    streamed = set(map(bytes, np.array(shown)[:40]))
    assert streamed == set(map(bytes, x[:40])), "the last fifth of each class is for judging"
    assert row["accuracy"] == np.mean(made.predict(x[40:]) == y[40:])
    with pytest.raises(InputError, match="class 100 arrives with one sample"):
        made.learn(*blobs((100,), 1))


@pytest.mark.parametrize("augmentation", (Augmentation(), Augmentation(gain=0.2)), ids=("plain", "augmented"))
@pytest.mark.parametrize("chunk", (4096, 7))
def test_stream_pass_replays_as_many_as_there_were_tasks(monkeypatch, chunk, augmentation):
    made = learner(stream_pass=True, steps=200, augmentation=augmentation)
    learn(made, 0)
    learn(made, 1)
    monkeypatch.setattr(rehearsal, "CHUNK", chunk)
    _, labels = trained_on(monkeypatch)
    before, values, (x, y) = made.rehearsal.steps, made.rehearsal.augmented_values, blobs(TASKS[2])
    made.learn(x, y)
    assert len(labels) == made.rehearsal.steps - before == len(x) * 3, "more than steps: the stream is never cut"
    shown = np.array(labels).reshape(len(x), 3)
    assert shown[:, 0].tolist() == [made.classes.index(label) for label in y]
    assert set(shown[:, 1:].ravel()) == {0, 1, 2}, "replayed are samples of classes from before"
    counts = np.bincount(shown[:, 1:].ravel())
    assert counts.max() < 1.5 * counts.min()
    assert made.rehearsal.augmented_values - values == (len(x) * 2 * 9 if augmentation.active else 0)


@pytest.mark.parametrize("chunk", (1, 64))
def test_chunks_of_the_host_decide_no_bit(monkeypatch, chunk):
    ends = []
    for size in (4096, chunk):
        monkeypatch.setattr(rehearsal, "CHUNK", size)
        ends.append(bits(taught(3, stream_pass=True, steps=300, augmentation=Augmentation(gain=0.2))))
    assert ends[0] == ends[1]


def test_steps_of_the_stream_are_part_of_all_steps():
    made = learner(stream_pass=True, steps=200)
    learn(made, 0)
    assert made.rehearsal.steps == 200
    learn(made, 1)
    assert made.rehearsal.steps == 400 and made.rehearsal.epochs > 2


def test_known_classes_seen_again_share_the_slots():
    made = learner(per_class=6)
    for session in range(3):
        before = made.samples.packed.copy()
        row = made.learn(*blobs((7, 3), seed=session))
        assert row["new_classes"] == ([7, 3] if not session else [])
        assert row["stored"] == {str(label): 6 // (session + 1) for label in (7, 3)}
        assert made.memory.classes[:2, (STORED, SEEN)].tolist() == [[6, session + 1]] * 2
        replaced = (made.samples.packed != before).any(axis=1)
        assert not replaced[12:].any(), "slots of other classes were written"
        assert replaced[:6].sum() <= 6 // (session + 1) and replaced[6:12].sum() <= 6 // (session + 1)
        assert made.samples.labels[:12].tolist() == [0] * 6 + [1] * 6
    assert made.classes == [7, 3] and made.network.outputs == 2 and len(made.history) == 3


@few(40)
@given(per_class=st.integers(1, 9), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_free_slots_first_then_others(per_class, sizes, seed):
    made = learner(per_class=per_class)
    made.add_classes([7, 3])
    store, present = made.samples, 0
    other = store.packed[per_class * 1 :].copy()
    for number, arriving in enumerate(sizes):
        count = store.share(0, arriving, seed + number)
        assert 0 <= count <= min(arriving, per_class) and (number or count == min(arriving, per_class))
        assert abs(count - min(arriving, per_class / (number + 1))) < 1
        store.put(0, np.full((count, made.layout.codec.bytes), number + 1, np.uint8), seed + number)
        filled, present = min(per_class, present + count), min(per_class, present + count)
        assert store.table[0, STORED] == filled and store.table[0, SEEN] == number + 1
        assert (store.packed[:filled] > 0).all() and np.count_nonzero(store.packed[:per_class, 0] == number + 1) == count
        assert made.samples.material()[0].tolist() == list(range(filled))
    assert (store.packed[per_class:] == other).all()
