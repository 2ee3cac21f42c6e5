"""Runs: whatever phase they are stopped in, resumed they end with the same bits; other checkpoints are refused."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mcuref import Data, InputError, NonFiniteError, TinyProp, TinyPropV2, build, compile, sources
from mcuref.calibration import nominal, quantise_to_train
from mcuref.experiments.protocols import TrainingProtocol
from mcuref.incremental import keeping
from mcuref.runs import checkpoints, fingerprint, training
from mcuref.runs.training import Deployment, Run, TrainingCheckpoints

SCRATCH = TrainingProtocol(2, 0.05)
CONTINUE = TrainingProtocol(2, 0.02, momentum=0.5, batch=8, pretrained_part=0.5, pretrained_epochs=1, pretrained_rate=0.05)
RULE = TinyPropV2(threshold=0.2, decay=0.9)


class Stop(Exception):
    """What an interruption raises."""


@pytest.fixture
def data(monkeypatch):
    """160 training and 20 test samples, shown in chunks of 64, 16, 4, 1, ..."""
    monkeypatch.setattr("mcuref.program.step.CHUNK_SECONDS", 0)
    x = np.random.default_rng(4).normal(size=(180, 4)).astype(np.float32)
    y = np.arange(180) % 3
    x[np.arange(180), y] += 1
    return Data("many", "features", x[:160], y[:160], x[160:], y[160:])


def make(
    data, protocol, folder=None, *, model="mlp-4-5-3", seed=3, rule=RULE, seconds=0, warn=None, trainable=None, room=None
):
    """A run, with checkpoints if it has a folder; with room, the headroom of weights, as int8."""

    def compiled(network):
        planned = nominal(network) if room and network.dtype == "float32" else network
        return compile(planned, rule, protocol.optimiser(), trainable=trainable)

    def deployed(network, data):
        return quantise_to_train(network, data.x_train, headroom=room, samples=20)

    deployment = room and Deployment(deployed, {"headroom": room})
    run = Run(protocol, build(model, data, seed=seed), data, "softmax_cross_entropy", seed, compiled, deployment)
    run.checkpoints = folder and TrainingCheckpoints(folder, seconds, warn)
    return run


def finish(run):
    """From its checkpoint, if it has one, to the end; all that comes of it, to the bit."""
    result = run.finish(run.checkpoints.load(run.fingerprint) if run.checkpoints else None)
    program = run.trainer.program
    arrays = {name: value.tobytes() for name, value in {**program.state(), **program.parameters()}.items()}
    return result, program.counts.tolist(), arrays


def stopped(run, at):
    """Phase in which a run stopped at its n-th call of progress; None if it came to its end before that."""
    phases = []

    def stop(phase, done, total):
        phases.append(phase)
        if len(phases) > at:
            raise Stop

    run.progress = stop
    try:
        finish(run)
    except Stop:
        return phases[-1]
    return None


@pytest.mark.parametrize("room", [None, 2.0], ids=["float32", "int8"])
@pytest.mark.parametrize("protocol", [SCRATCH, CONTINUE], ids=["scratch", "continue"])
def test_resumed_from_any_checkpoint_ends_with_the_same_bits(data, tmp_path, protocol, room):
    data = data.training_part(0, 86) if protocol is SCRATCH else data  # chunks of 64, 16, 4, 1, 1 or of 64, 16
    uninterrupted, phases = finish(make(data, protocol, room=room)), []
    for at in range(1000):
        folder = tmp_path / str(at)
        folder.mkdir()
        phases.append(stopped(make(data, protocol, folder, room=room), at))
        if phases[-1] is None:
            break
        assert finish(make(data, protocol, folder, room=room)) == uninterrupted
        assert finish(make(data, protocol, folder, room=room)) == uninterrupted, "from the checkpoint at its end"
    expected = ["training"] * 10 if protocol is SCRATCH else ["pre-training"] * 2 + ["training"] * 4
    assert phases == [*expected, None]


def test_how_a_network_is_deployed_is_of_the_fingerprint(data):
    """And what decides it: the sources of its scales, which a float32 run has nothing of."""
    prints = [make(data, CONTINUE, room=room).fingerprint for room in (2.0, 4.0, None, 2.0)]
    assert prints[0] == prints[3] and len({one["program"] for one in prints}) == 3
    assert prints[0]["mcuref"] != prints[2]["mcuref"] and len({one["data"] for one in prints}) == 1


@pytest.mark.parametrize("protocol", [SCRATCH, CONTINUE], ids=["scratch", "continue"])
def test_stopped_again_and_again(data, tmp_path, protocol):
    attempts = 0
    while stopped(make(data, protocol, tmp_path), 1):  # progress is told before a checkpoint is written
        attempts += 1
    assert attempts >= 4 and finish(make(data, protocol, tmp_path)) == finish(make(data, protocol))


def test_resumed_from_the_one_before(data, tmp_path):
    """The newest checkpoint is damaged; what is lost is computed again."""
    stopped(make(data, CONTINUE, tmp_path), 5)
    (tmp_path / "checkpoint").write_bytes(b"half")
    warnings = []
    assert finish(make(data, CONTINUE, tmp_path, warn=warnings.append)) == finish(make(data, CONTINUE))
    assert len(warnings) == 1 and "the one before it is used" in warnings[0]


def test_checkpoints_are_as_far_apart_as_wished(data, tmp_path, monkeypatch):
    now, saved = [0.0], []
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoints, "save", lambda *_: saved.append(now[0]))
    run = make(data, SCRATCH, tmp_path, seconds=5)
    run.progress = lambda *_: now.__setitem__(0, now[0] + 2)
    run.finish()
    steps = np.diff(saved)
    assert len(saved) > 3 and (steps[:-1] == 6).all() and saved[0] == 6, "and one at the end"


def test_what_is_not_finite_is_not_saved(data, tmp_path):
    """The weights become infinite before an error does; the last checkpoint stays as it was."""
    made = TrainingCheckpoints(tmp_path, 0, None)
    made.save({"i": 1}, {"w": np.ones(3), "counts": np.arange(2), "trained": np.ones(2, bool)})
    before = (tmp_path / "checkpoint").read_bytes()
    made.save({"i": 2}, {"w": np.array([1, np.inf])})
    made.save({"i": 2}, {"w": np.array([1, np.nan])})
    assert (tmp_path / "checkpoint").read_bytes() == before


@pytest.mark.parametrize("rate", [3.0, 1e3, 1e30, 3e38])
def test_diverged_leaves_a_checkpoint_that_is_valid(data, tmp_path, rate):
    """Resumed, the run fails with the same sentence."""
    sentences = []
    for _ in range(2):
        run = make(data, TrainingProtocol(40, rate, schedule="constant"), tmp_path, rule=TinyPropV2(threshold=0))
        with pytest.raises(NonFiniteError) as error:
            finish(run)
        sentences.append(str(error.value))
        found = run.checkpoints.load(run.fingerprint)
        assert found is None or all(np.isfinite(values).all() for values in found[1].values())
    assert sentences[0] == sentences[1]


# fingerprints


def test_a_fingerprint_is_of_what_decides_the_run(data):
    mine = make(data, CONTINUE).fingerprint
    assert make(data, CONTINUE).fingerprint == mine and set(mine) == {"mcuref", "data", "program"}
    flipped = data.x_train.copy()
    flipped[159, 3] = np.nextafter(flipped[159, 3], np.float32(9))
    others = {
        "data": [
            make(replace(data, x_train=flipped), CONTINUE),
            make(replace(data, x_test=data.x_test + 1), CONTINUE),
            make(replace(data, y_test=data.y_test[::-1]), CONTINUE),
            make(replace(data, mean=data.mean + 1, scale=data.scale), CONTINUE),
        ],
        "program": [
            make(data, CONTINUE, model="mlp-4-6-3"),
            make(data, CONTINUE, seed=4),
            make(data, replace(CONTINUE, learning_rate=0.03)),
            make(data, replace(CONTINUE, pretrained_epochs=2)),
            make(data, CONTINUE, rule=TinyPropV2(threshold=0.21, decay=0.9)),
        ],
    }
    for part, several in others.items():
        for other in several:
            assert other.fingerprint[part] != mine[part], part
            assert other.fingerprint["mcuref"] == mine["mcuref"]


def test_a_fingerprint_changes_with_the_sources_that_its_program_uses_and_no_others(tmp_path, monkeypatch):
    instructions = compile(build("mlp-9-8-3"), TinyProp()).instructions
    package = shutil.copytree(sources.PACKAGE, tmp_path / "mcuref", ignore=shutil.ignore_patterns("__pycache__", "c"))
    for module in (sources, fingerprint):
        monkeypatch.setattr(module, "PACKAGE", package)

    def found():
        sources.forget()
        return fingerprint.sources_digest(training.SOURCES, instructions)

    mine = found()
    used = "kernels/dense.py kernels/lanes.py kernels/vectors.py operations/dense.py operations/selection.py "
    used += "operators/columns.py program/executor.py optimisers.py training.py"
    unused = (
        "kernels/conv.py kernels/matching.py operations/conv.py operations/dispatch.py operators/float32.py report/tables.py"
    )
    for name in (*used.split(), *unused.split()):
        text = (package / name).read_text()
        (package / name).write_text(text + "# edited\n")
        assert (found() != mine) == (name in used.split()), name
        (package / name).write_text(text)
    assert found() == mine
    monkeypatch.setattr(fingerprint, "__version__", "0.1.1")
    assert found() != mine
    sources.forget()


def test_a_run_with_pre_training_rests_on_the_kernels_of_both_programs(data):
    """The last layer alone is trained, after all of them were: an edit of what updates the others counts, too."""
    run = make(data, CONTINUE, trainable=1)
    assert any(i.layer != run.network.names[-1] and i.phase == "update" for i in run.instructions)


def test_a_fingerprint_loads_no_numba():
    code = """if True:
        import sys
        import mcuref, mcuref.runs.training, mcuref.experiments.protocols
        data = mcuref.load_data("digits")
        protocol = mcuref.experiments.protocols.TrainingProtocol(1, 0.1)
        network = mcuref.build("mlp-64-10", data)
        run = mcuref.runs.training.Run(protocol, network, data, "softmax_cross_entropy", 0, mcuref.compile)
        run.fingerprint
        sys.exit("numba" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("other, words", [
    (lambda data: make(replace(data, x_test=data.x_test + 1), SCRATCH), "was begun with other data; it can only"),
    (lambda data: make(data, SCRATCH, model="mlp-4-6-3"), "was begun with another model or other settings;"),
    (lambda data: make(data, SCRATCH, rule=TinyPropV2(threshold=0.9)), "another model or other settings;"),
    (lambda data: make(data, CONTINUE, seed=9), "with other data and another model or other settings;"),
])  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused(data, tmp_path, other, words):
    stopped(make(data, SCRATCH, tmp_path), 3)
    run = other(data)
    with pytest.raises(InputError, match=words):
        TrainingCheckpoints(tmp_path, 0, None).load(run.fingerprint)


def test_a_checkpoint_of_another_version_is_refused(data, tmp_path, monkeypatch):
    stopped(make(data, SCRATCH, tmp_path), 3)
    monkeypatch.setattr(fingerprint, "__version__", "0.1.1")
    run = make(data, SCRATCH, tmp_path)
    with pytest.raises(InputError, match="was begun with another version of mcuref; it can only go on with the same"):
        finish(run)


# a checksum that is right, around contents that are not


def change(plain, arrays, name, value):
    """Replace an array or an entry of the header, or remove it."""
    where = arrays if name in arrays else plain
    if value is None:
        del where[name]
    else:
        where[name] = value


@pytest.mark.parametrize("name, value", [
    ("phase", None), ("phase", "sleeping"), ("phase", 3), ("fingerprint", None), ("fingerprint", "abc"),
    ("history", None), ("history", "abc"), ("history", [{}] * 5), ("history", [{"accuracy": 1.0}]), ("epoch", None),
    ("epoch", {}), ("epoch", []), ("epoch", 7), ("epoch", {"before": {}, "done": 1}),
    ("counts", None), ("counts", np.zeros(3)), ("losses", None), ("losses", np.zeros((2, 2), np.float32)),
    ("trained", np.zeros(80, np.uint8)),
    ("program.dense1.weights", None), ("program.dense1.weights", np.full((5, 4), np.nan, np.float32)),
    ("program.dense1.weights", np.zeros((5, 5), np.float32)), ("program.dense2.bias", np.zeros(3)),
    ("program.dense2.y_max", np.zeros(0, np.float32)), ("program.batch", np.zeros(1, np.float32)),
    ("start.dense1.weights", None), ("start.dense1.weights", np.zeros((4, 5), np.float32)),
    ("start.dense1.bias", np.full(5, np.inf, np.float32)), ("start.dense1.bias", np.array(["a"] * 5)),
    ("program.unknown", np.zeros(3)), ("start.unknown", np.zeros(3)),
])  # fmt: skip
def test_wrong_contents_are_refused_in_one_sentence(data, tmp_path, name, value):
    for at in range(100):  # to a moment within an epoch of the training
        stopped(make(data, CONTINUE, tmp_path), 0)
        plain, arrays = checkpoints.read(tmp_path / "checkpoint") if checkpoints.exist(tmp_path) else ({}, {})
        if plain.get("phase") == "training" and plain["epoch"]:
            break
        stopped(make(data, CONTINUE, tmp_path), 1)
    if name not in {**plain, **arrays}:
        arrays[name] = value
    change(plain, arrays, name, value)
    checkpoints.save(tmp_path, plain, arrays)
    with pytest.raises(InputError) as error:
        finish(make(data, CONTINUE, tmp_path))
    assert repr(str(tmp_path)) in str(error.value) and "\n" not in str(error.value)


def test_header_that_is_no_object(data, tmp_path):
    checkpoints.save(tmp_path, [1, 2], {})
    with pytest.raises(InputError, match="is not one of this run: it does not say where the run stands; move it away"):
        finish(make(data, SCRATCH, tmp_path))


def test_the_momentum_of_a_run_is_part_of_its_state(data, tmp_path):
    """Velocities, unfinished batches and touched rows are in the checkpoint, not made up anew."""
    stopped(make(data, CONTINUE, tmp_path), 5)
    names = set(checkpoints.read(tmp_path / "checkpoint")[1])
    assert {"program.dense1.weights_velocity", "program.dense1.touched_rows", "program.input.batch"} <= names


@pytest.mark.parametrize("name", [*training.SOURCES, *keeping.SOURCES])
def test_sources_that_are_named_are_there(name):
    """A name that no file has would be overlooked, and its edits with it."""
    assert list(sources.PACKAGE.glob(name))
