"""Run folders that something else has changed: whatever reads them refuses them in one sentence, or is right.

Fields of report.json, run.json, checkpoints, weights and exported projects are replaced, removed, lengthened and nested;
files lose bytes, are emptied, become folders and pipes. Half of them get checksums that are right again.
"""

import atexit
import copy
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from functools import reduce
from pathlib import Path

from harness import attack

ROOT = Path(tempfile.mkdtemp(prefix="mcuref-runs-"))  # the runs that cases copy, and their data
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)  # cases leave in another way
RUNS = {"trained": "train", "stopped": "train", "learned": "incremental", "halted": "incremental", "quantised": "train"}
DEEP = [reduce(lambda inner, _: [inner], range(depth), []) for depth in (30, 45)]
VALUES = [
    None, True, False, 0, -1, 1, 7, 0.5, -0.0, 1 << 31, 10**9, (1 << 63) - 1, 1 << 63, -(1 << 70), 10**400, 1e308, -1e308,
    5e-324, float("nan"), float("inf"), "", "x", "0", "nan", "\x1b]0;x\x07\x9b2J", "\u202etxt\u2066", "\ud800", "\0",
    "$(touch x)", "`x`;x", "a\nb", "[bold red]x", "../../etc/passwd", "/dev/zero", "net.toml", "x" * 100_000, "é" * 300,
    [], {}, [[]], [{}], {"a": []}, {"": None}, [0] * 10_000, *DEEP, {"name": "net.toml", "text": "input = [4]"},
]  # fmt: skip
OFTEN = {"report.json": 8, "run.json": 4, "weights.npz": 3, "checkpoint": 4}  # how often each is changed
COMMANDS = (
    ("report",), ("report", "--pictures"), ("export",), ("resume",), ("tflite",), ("models",), ("estimate",), ("compare",),
    ("train",), ("quantise",), ("check",),
)  # fmt: skip


def prepare():
    """Make the runs: finished and unfinished ones, and a project."""
    import numpy as np

    from mcuref.cli import main
    from mcuref.incremental.learner import IncrementalLearner
    from mcuref.training import Trainer

    x = np.random.default_rng(1).normal(size=(39, 4)).astype(np.float32)
    for side, part in (("train", slice(0, 30)), ("test", slice(30, 39))):
        (ROOT / "data").mkdir(exist_ok=True)
        np.savez(ROOT / "data" / f"{side}.npz", x=x[part], y=np.arange(39)[part] % 3)
    (ROOT / "net.toml").write_text('input = [4]\nlayers = [{kind = "dense", outputs = 5}, {kind = "dense", outputs = 3}]')
    os.chdir(ROOT)
    train = ["train", "--data", "data", "--epochs", "3", "--checkpoint", "0", "--model", "net.toml", "--out"]
    learn = ["incremental", "--data", "data", "--model", "mlp-4-6-3", "--per-class", "2", "--steps", "20"]
    learn += ["--compare", "fixed-large", "--out"]
    with open(os.devnull, "w") as nowhere:
        sys.stdout, out = nowhere, sys.stdout
        sys.stderr, err = nowhere, sys.stderr
        assert main([*train, "trained"]) == 0 and main([*learn, "learned"]) == 0
        assert main(["export", "trained", "--c", "firmware", "--samples", "2"]) == 0
        assert main(["quantise", "trained", "--out", "quantised"]) == 0
        assert main(["report", "learned", "--pictures", "pictures"]) == main(["verify", "firmware"]) == 0
        _interrupted(Trainer, "evaluate", 2, lambda: main([*train, "stopped"]))
        _interrupted(IncrementalLearner, "learn", 5, lambda: main([*learn, "halted"]))
        sys.stdout, sys.stderr = out, err


def _interrupted(kind, name, calls, run):
    """Run it, interrupted at a call of a method."""
    original, left = getattr(kind, name), iter(range(calls))

    def stopped(*arguments, **keywords):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return original(*arguments, **keywords)

    setattr(kind, name, stopped)
    assert run() == 130
    setattr(kind, name, original)


def case(numbers, folder):
    """A changed run folder or project, and a command that reads it."""
    if numbers.random() < 0.1:
        return _project(numbers, folder)
    name = numbers.choice(list(RUNS))
    run = shutil.copytree(ROOT / name, folder / "run")
    for _ in range(numbers.choice((1, 1, 2))):
        names = sorted(path.name for path in run.iterdir())
        _change(numbers, run, numbers.choices(names, [OFTEN.get(name, 1) for name in names])[0])
    if numbers.random() < 0.5:
        _seal(run)
    likely = {"trained": (8, 1, 8, 1), "learned": (8, 4, 1, 1), "quantised": (8, 1, 1, 1)}.get(name, (1, 0, 1, 8))
    likely += (2, 2, 2, 2, 2, 4, 2) if name in ("trained", "quantised") else (0.1,) * 7
    ((command, *options),) = numbers.choices(COMMANDS, likely)
    data = ["--data", str(ROOT / "data")]
    arguments = {
        "report": ["report", "run", *(option for o in options for option in (o, "pictures"))],
        "export": ["export", "run", "--c", "project"],
        "resume": [RUNS[name], "--resume", "run"],
        "tflite": ["export", "run", "--tflite", "net.tflite"],
        "models": ["models", "run"],
        "estimate": ["estimate", "--model", "run"],
        "compare": ["compare", *data, "--model", "run", "--method", "none"],
        "train": ["train", *data, "--epochs", "1", "--model", "run", "--out", "new"],
        "quantise": ["quantise", "run", "--out", "new"],
        "check": ["check", "run", "--samples", "2"],
    }[command]
    return arguments, sum(path.stat().st_size for path in run.iterdir())


def _project(numbers, folder):
    """A changed project; its Makefile builds nothing unless it is one of few."""
    project = shutil.copytree(ROOT / "firmware", folder / "firmware")
    if numbers.random() < 0.95:
        (project / "Makefile").write_text("all:\n")
    file = numbers.choice(("program.json", "arrays.npz"))
    _change(numbers, project / "reference", file)
    if numbers.random() < 0.5:
        _seal_project(project)
    return ["verify", "firmware", "--core", "host"], 1 << 20


def _change(numbers, folder, name):
    """Change one file: what it means, or its bytes."""
    path = folder / name
    if not path.is_file() or path.is_symlink():
        return
    kinds = {".json": _json, ".npz": _arrays, "": _checkpoint}
    change = _bytes if numbers.random() < 0.2 else kinds.get(path.suffix, _bytes)
    try:
        change(numbers, path)
    except Exception:  # it was changed so before that nothing can be found in it
        _bytes(numbers, path)


def _bytes(numbers, path):
    content = path.read_bytes()
    place = numbers.randrange(len(content) + 1)
    kind = numbers.choice(("flip", "flip", "cut", "insert", "empty", "junk", "remove", "folder", "pipe"))
    if kind == "flip" and place < len(content):
        content = content[:place] + bytes([content[place] ^ 1 << numbers.randrange(8)]) + content[place + 1 :]
    elif kind in ("cut", "empty"):
        content = content[: place if kind == "cut" else 0]
    elif kind == "insert":
        content = content[:place] + numbers.choice((b"\xff\xfe", b"\0", b"\n", b'"', b"[" * 5000)) + content[place:]
    elif kind == "junk":
        content = numbers.randbytes(numbers.choice((1, 100, 10_000)))
    if kind in ("remove", "folder", "pipe"):
        path.unlink()
        {"remove": lambda: None, "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    else:
        path.write_bytes(content)


def _json(numbers, path):
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(_mutated(numbers, content)), encoding="utf-8")


def _mutated(numbers, value):
    """Plain data with a few places of it changed."""
    values = copy.deepcopy(VALUES)
    for _ in range(numbers.choice((1, 1, 3, 10))):
        parent, key, at = None, None, value
        while isinstance(at, (dict, list)) and at and (parent is None or numbers.random() < 0.85):
            parent, key = at, numbers.choice(list(at) if isinstance(at, dict) else range(len(at)))
            at = parent[key]
        if parent is None:
            value = numbers.choice(values)
        elif numbers.random() < 0.2:
            del parent[key]
        elif isinstance(parent, list) and numbers.random() < 0.2:
            parent.insert(key, at)
        elif isinstance(parent, dict) and numbers.random() < 0.05:
            parent[numbers.choice(("", "x", "\x1b[2J", "\ud800", "1" * 5000))] = numbers.choice(values)
        else:
            parent[key] = numbers.choice(values if numbers.random() < 0.3 else _near(at, parent))
    return value


def _near(value, parent):
    """Values that are nearly as good as one of a list or object: of its type, or of its neighbours'."""
    others = [one for one in (parent.values() if isinstance(parent, dict) else parent) if one != value]
    if isinstance(value, (int, float)):
        others += [value + 1, value - 1, -value, value * 1000, 0, 0.5, str(value), [value], None]
    elif isinstance(value, str):
        others += ["", "x", value + "x", value.upper(), [value], 3, None, "full", "topk", "cnn-8"]
    elif isinstance(value, list):
        others += [[], value[:-1], value + value[:1], value * 2, value[::-1], dict.fromkeys(map(str, value)), None]
    elif isinstance(value, dict):
        others += [{}, dict(list(value.items())[1:]), dict.fromkeys(value), list(value.values()), None]
    return copy.deepcopy(others) or [None]


def _changed_arrays(numbers, arrays):
    """{name: array} with one of them changed."""
    import numpy as np

    name = numbers.choice(sorted(arrays)) if arrays else "x"
    old = arrays.get(name, np.zeros(1))
    new = {
        "none": None,
        "double": lambda: np.concatenate([old.ravel()] * 2),
        "scalar": lambda: np.array(3.0),
        "text": lambda: np.array(["x"] * 3),
        "nan": lambda: np.full(old.shape, np.nan, old.dtype if old.dtype.kind == "f" else "f4"),
        "huge": lambda: np.full(old.shape, 1e30, "f8"),
        "largest": lambda: np.full(old.shape, 255).astype(old.dtype),
        "other type": lambda: old.astype("f8" if old.dtype != "f8" else "i4"),
        "empty": lambda: old.ravel()[:0],
        "least": lambda: np.full(old.shape, np.iinfo(old.dtype).min if old.dtype.kind in "iu" else -1e38).astype(old.dtype),
        "objects": lambda: np.array([{}, []], dtype=object),
        "turned": lambda: old.T.copy(),
        "complex": lambda: old.astype("c8"),
        "big": lambda: np.zeros(1 << 20, old.dtype),
    }
    kind = numbers.choice(list(new))
    if kind == "none":
        arrays.pop(name, None)
    else:
        arrays[name if numbers.random() < 0.9 else "other"] = new[kind]()
    return arrays


def _arrays(numbers, path):
    import numpy as np

    with np.load(path) as found:
        arrays = {name: found[name] for name in found.files}
    np.savez(path, **_changed_arrays(numbers, arrays))


def _checkpoint(numbers, path):
    """Change a header or an array; the checksum is right."""
    import numpy as np

    from mcuref.runs import checkpoints

    header, arrays = checkpoints.read(path)
    if numbers.random() < 0.7:
        header = _mutated(numbers, header)
    else:
        arrays = _changed_arrays(numbers, arrays)
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(header).encode("utf-8"), np.uint8)
    np.savez(content, header=text, **{f"array.{name}": values for name, values in arrays.items()})
    digest = hashlib.sha256(content.getvalue()).hexdigest().encode()
    path.write_bytes(checkpoints.MAGIC + digest + b"\n" + content.getvalue())


def _seal(run):
    """Make the checksums of a run right again, as far as its run.json lets."""
    _resealed(run / "run.json", run)


def _seal_project(project):
    _resealed(project / "reference" / "program.json", project)


def _resealed(path, folder):
    """Make the sha256 of a JSON file and those of the files that it lists right."""
    from mcuref import plain
    from mcuref.runs.manifest import digests

    if not path.is_file():  # it may be a pipe by now
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        there = [name for name in content.get("files") or {} if (folder / name).is_file()]
        content["files"] = content.get("files") and content["files"] | digests(folder, there)
        content.pop("sha256", None)
        content["sha256"] = plain.digest(content)
        path.write_text(json.dumps(content), encoding="utf-8")
    except (AttributeError, OSError, TypeError, ValueError, RecursionError):  # it is beyond that
        return


if __name__ == "__main__":
    sys.exit(attack(__doc__, case, 3000, prepare=prepare))
