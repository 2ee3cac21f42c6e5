"""Who has to do with float32 alone loads nothing of int8 and of TensorFlow Lite, and compiles nothing of it."""

import json
import subprocess
import sys

CODE = """if True:
    import contextlib, io, json, sys

    def loaded():
        theirs = [name for name in sys.modules if name.partition(".")[0] in ("tflite", "flatbuffers", "ai_edge_litert")]
        ours = [name for name in sys.modules if name.startswith(("mcuref.importers", "mcuref.export.tflite"))]
        return theirs + ours + [name for name in sys.modules if name.startswith("mcuref.") and "int8" in name]

    import mcuref
    found = {"import mcuref": loaded()}
    from mcuref.cli import main
    for arguments in json.loads(sys.argv[1]):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            assert main(arguments) in (0, 1)
        found[" ".join(arguments)] = loaded()
    print(json.dumps(found))
"""
# Which operators there are, among all others: no kernel, nothing that is compiled
DECLARED = {"mcuref.operators.int8", "mcuref.operators.int8_training"}
FEW = ["--epochs", "1", "--samples", "20", "--method", "full"]
COMMANDS = [
    ["--help"],
    ["quantise", "--help"],
    ["check", "--help"],
    ["export", "--help"],
    ["models"],
    ["targets"],
    ["datasets"],
    ["estimate"],
    ["estimate", "--dtype", "float32"],
    ["train", *FEW, "--out", "run"],
    ["report", "run"],
    ["models", "run"],
    ["train", *FEW, "--model", "run"],
    ["export", "run", "--c", "firmware", "--samples", "2"],
    ["compare", *FEW, "--dtype", "float32"],
    ["compare", "--model", "run", "--method", "none"],
    ["incremental", "--tasks", "1", "--per-class", "1", "--steps", "1", "--distil", "random"],
    ["doctor"],
]


def found(*commands):
    """{command: what of int8 was loaded then} of commands in one process, one behind the other."""
    done = subprocess.run([sys.executable, "-c", CODE, json.dumps(commands)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_of_int8_is_loaded(here):
    """And what is not loaded is not compiled."""
    for command, names in found(*COMMANDS).items():
        assert set(names) <= DECLARED, command


def test_a_command_of_int8_would_be_seen(here):
    assert "mcuref.program.arithmetic.int8" in found(["estimate", "--dtype", "int8"])["estimate --dtype int8"]
