"""Whatever is wrong is said in one sentence that names it; exit status 2, and no file is written or changed."""

import os

import numpy as np
import pytest

from mcuref.experiments.protocols import PROTOCOLS

HUGE = "9" * 30

WORDS = [
    ("the following arguments are required: COMMAND",),
    ("there is no command ''; `mcuref --help` lists them", ""),
    ("there is no command 'nosuch'; `mcuref --help` lists them", "nosuch"),
    ("there is no command 'compar'; did you mean compare? `mcuref --help` lists them", "compar"),
    ("mcuref: unknown option --versoin; did you mean --version? `mcuref --help` lists them", "--versoin"),
    ("mcuref compare: unknown option --nosuch; `mcuref compare --help` lists them", "compare", "--nosuch"),
    ("argument 'extra' is one too many; see mcuref targets --help", "targets", "stm32h743", "extra"),
    ("argument 'epochs' is one too many; did you mean --epochs?", "train", "epochs", "3"),
    # an abbreviation of --seeds would mean 7 seeds
    ("unknown option --seed; did you mean --seeds? `mcuref compare --help` lists them", "compare", "--seed", "7"),
    ("unknown option --epoch; did you mean --epochs? `mcuref train --help` lists them", "train", "--epoch=3"),
    ("unknown option -epochs; did you mean --epochs?", "train", "-epochs", "3"),
    ("unknown option --otu; did you mean --out?", "train", "--otu=my run"),
    ("unknown option --learning_rate; did you mean --learning-rate?", "train", "--learning_rate", "1"),
    ("unknown option --lr; did you mean --learning-rate?", "incremental", "--lr", "1"),
    ("unknown option --C; did you mean --c? `mcuref export --help` lists them", "export", "--C", "x"),  # RUN is missing too
    ("unknown option --\\x1b[31m; `mcuref", "train", "--\x1b[31m"),
    ("arguments are required: RUN; see mcuref export --help", "export", "--c", "x"),
    ("expected one argument", "train", "--learning-rate", "-1e-3"),  # no option is called so either
    ("there is no data set or folder 'nosuch'", "estimate", "--data", "nosuch"),
    ("unknown option --seeds; did you mean --seed?", "train", "--seeds", "2"),
    ("expected one argument", "train", "--out"),
]
METHODS = [
    ("method '' is not known", "compare", "--method", ""),
    ("method '' is not known", "compare", "--method", "full,,topk"),
    ("names '' twice", "compare", "--method", ","),
    ("names 'full' twice", "compare", "--method", "full, full"),
    ("method 'nosuch' is not known", "compare", "--method", "full,nosuch"),
    ("method 'FULL' is not known; did you mean full? it may be full, topk", "train", "--method", "FULL"),
    ("method 'tinyprop2' is not known; did you mean tinypropv2 or tinyprop?", "compare", "--method", "full,tinyprop2"),
    ("method 'full,topk' is not known", "train", "--method", "full,topk"),
    ("method 'nosuch' is not known", "estimate", "--method", "nosuch"),
    ("preset '' is not known", "compare", "--preset", ""),
    ("preset 'nosuch' is not known", "train", "--preset", "nosuch"),
    ("preset 'papr' is not known; did you mean paper?", "train", "--preset", "papr"),
    ("--set '' is not NAME=VALUE", "compare", "--set", ""),
    ("--set '=' is not NAME=VALUE", "compare", "--set", "="),
    ("--set 's_max' is not NAME=VALUE", "train", "--set", "s_max"),
    ("--set 's_max=' is not NAME=VALUE", "train", "--set", "s_max="),
    ("--set '=3' is not NAME=VALUE", "train", "--set", "=3"),
    ("setting 'nosuch' belongs to none", "compare", "--set", "nosuch=3"),
    ("setting '__class__' belongs to none", "compare", "--set", "__class__=3"),
    ("'smax'; did you mean s_max? in preset 'default' the settings are s_min=0.08, s_max=0.8,", "train", "--set", "smax=1"),
    ("did you mean s_max? in preset 'paper' the settings are s_min=0, ", "estimate", "--preset", "paper", "--set", "SMax=1"),
    (
        "'treshold' belongs to none of the methods full, topk, tinyprop, tinypropv2, tinypropr; did you mean threshold? in "
        "preset 'default' the settings are ratio=0.1, output=auto, bias=masked, s_min=0.04 or 0.08, s_max=0.7 or 0.8, "
        "zeta=1, ",
        "compare",
        "--set",
        "treshold=1",
    ),
    ("has no setting 'ratio'", "train", "--method", "full", "--set", "ratio=0.5"),
    ("s_max nan", "compare", "--set", "s_max=nan"),
    ("s_max inf", "compare", "--set", "s_max=1e400"),
    ("s_max -1", "train", "--set", "s_max=-1"),
    ("s_max 'abc' is not a number", "train", "--set", "s_max=abc"),
    ("s_max '0.5=3' is not a number", "train", "--set", "s_max=0.5=3"),
    ("s_min 0.9 is larger than s_max 0.1", "estimate", "--set", "s_min=0.9", "--set", "s_max=0.1"),
    ("d_min 2 is larger than d_max 1", "train", "--set", "d_min=2", "--set", "d_max=1"),
    ("ratio 0", "compare", "--set", "ratio=0"),
    ("ratio 1.5", "compare", "--set", "ratio=1.5"),
    ("zeta 0", "compare", "--set", "zeta=0"),
    ("threshold nan", "train", "--set", "threshold=nan"),
    ("beta 'nosuch' is not a number", "train", "--set", "beta=nosuch"),
    ("decay 2", "train", "--set", "decay=2"),
    ("output 'nosuch' is not known", "compare", "--set", "output=nosuch"),
    ("rounding 'up' is not known", "compare", "--set", "rounding=up"),
]
RUNNING = ("train", "compare", "estimate")
NUMBERS = [
    *[(f"'{n}' is not a whole number from 1", "train", "--epochs", n) for n in ("0", "-1", "1.5", "nan", "", "１")],
    ("'1_0' is not a whole number from 1", "train", "--epochs", "1_0"),
    (f"'{HUGE}' is not a whole number from 1", "compare", "--epochs", HUGE),
    *[(f"'{n}' is not a whole number from 1", "compare", "--trainable", n) for n in ("0", "-1", "1.0", "")],
    ("trainable 99 is not a whole number from 0 to 2", "compare", "--trainable", "99"),
    ("trainable 3 is not a whole number from 0 to 2", "estimate", "--trainable", "3"),
    *[(f"'{n}' is not a whole number from 0", "train", "--seed", n) for n in ("-1", "4294967296", HUGE, "1.5", "")],
    *[(f"'{n}' is not a number", "train", "--learning-rate", n) for n in ("", "abc")],
    *[(f"learning rate {float(n)!r} is not", "train", "--learning-rate", n) for n in ("0", "-1", "nan", "1e400")],
    ("learning rate inf is not", "compare", "--learning-rate", "inf"),
    ("learning rate 1e-50 is", "compare", "--learning-rate", "1e-50"),
    *[(f"--seeds {s!r} is not whole numbers", "compare", "--seeds", s) for s in ("", "a", "1.5", "0,,1", "２,３")],
    *[(f"--seeds {s!r} is a count of seeds", "compare", "--seeds", s) for s in ("0", "-1", "1001", "5000000000")],
    ("--seeds '1,1' names '1' twice", "compare", "--seeds", "1,1"),
    ("--seeds '1,5000000000' has 5000000000", "compare", "--seeds", "1,5000000000"),
    ("--seeds '-1,2' has -1", "compare", "--seeds=-1,2"),
    *[(f"--seconds {float(s)} is not a number above 0", "bench", "--seconds", s) for s in ("0", "-1", "nan", "inf")],
    ("'abc' is not a number", "bench", "--seconds", "abc"),
    *[(f"regime {r!r} is not known", "compare", "--regime", r) for r in ("", "nosuch")],
    ("regime 'shfit' is not known; did you mean shift? it may be scratch, continue, shift", "train", "--regime", "shfit"),
    (
        "--evaluate 'nosuch' is not known; it may be test, validation; see mcuref train --help",
        "train",
        "--evaluate",
        "nosuch",
    ),
    ("--evaluate 'val' is not known; did you mean validation?", "train", "--evaluate", "val"),
    *[(f"momentum {float(m)!r} is not a number from 0 to 1", "train", "--momentum", m) for m in ("-1", "1.5", "nan")],
    ("momentum 1.0 must be below 1", "compare", "--momentum", "1"),
    ("momentum 1.0 must be", "estimate", "--momentum", "1"),
    ("'abc' is not a number", "estimate", "--momentum", "abc"),
    *[(f"'{n}' is not a whole number from 1", c, "--batch", n) for c in RUNNING for n in ("0", "-1", "2000000", "1.5", "")],
    *[("--policy 'nosuch' is not known; it may be immediate", command, "--policy", "nosuch") for command in RUNNING],
    *[("a batch of 2 needs 'accumulate'", c, "--batch", "2", "--policy", "immediate") for c in RUNNING],
    ("schedule 'nosuch' is not known", "compare", "--schedule", "nosuch"),
    ("schedule 'Linear' is not known; did you mean linear?", "compare", "--schedule", "Linear"),
]
SIZES = [
    ("--sram is 0 bytes", "compare", "--sram", "0"),
    ("--sram is -1 bytes", "compare", "--sram", "-1"),
    *[(f"--sram is {s!r}, which is not a size", "train", "--sram", s) for s in ("", "nan", "1e5", "12 parsec")],
    ("--sram is beyond 2**64 bytes", "compare", "--sram", HUGE),
    ("--flash is ''", "estimate", "--flash", ""),
    ("--stack is -1 bytes", "estimate", "--stack", "-1"),
    ("stack is 307,200 bytes, which leaves nothing", "train", "--target", "nrf52840", "--stack", "300k"),
    ("leaves nothing of the 1 bytes", "estimate", "--sram", "1"),
    ("there is no target ''", "compare", "--target", ""),
    ("there is no target 'nosuch'", "train", "--target", "nosuch"),
    ("did you mean stm32h743", "estimate", "--target", "stm32h74"),
    ("there is no target 'None'; did you mean none? `mcuref targets` lists them", "train", "--target", "None"),
    ("there is no target ''", "targets", ""),
    ("there is no target 'nosuch'", "targets", "nosuch"),
]
MODELS = [
    ("model '' is not known", "compare", "--model", ""),
    ("model '' is not known", "estimate", "--model", ""),
    ("model 'garbage' is not known", "train", "--model", "garbage"),
    ("model 'mlp-1' is not known", "estimate", "--model", "mlp-1"),
    ("takes 1 values but a sample of data 'digits' has 64", "compare", "--model", "mlp-1-1"),
    ("has a layer of 99999999", "estimate", "--model", "mlp-99999999-5-2"),
    ("has a layer of 0", "compare", "--model", "mlp-64-0-10"),
    ("has 9 outputs but data 'digits' has 10 classes", "train", "--model", "mlp-64-5-9"),
    ("is trained without labels", "compare", "--model", "autoencoder"),
    ("takes 640 values", "train", "--model", "autoencoder"),
    ("names 'mlp-har' twice", "bench", "--model", "mlp-har,mlp-har"),
    ("model '' is not known", "bench", "--model", "mlp-har,"),
    *[(f"model {m!r}", "estimate", "--model", m) for m in ("mlp-4-3@0", "mlp-4-3@", "mlp-4-3@x")],
    ("model '' is not known", "estimate", "--model", "@0.5"),
    ("model 'nosuch' is not known; `mcuref models` lists them;", "estimate", "--model", "nosuch@0.5"),
    ("model 'resnt-8' is not known; did you mean resnet-8? `mcuref models` lists them", "train", "--model", "resnt-8@0.5"),
    ("model 'MLP_64_9_10' is not known; did you mean mlp-64-9-10?", "bench", "--model", "mlp-har,MLP_64_9_10"),
    *[(f"model {m!r}", "train", "--model", m) for m in ("mlp-64-9-10@-1", "mlp-64-9-10@1e3", "mlp-64-9-10@nan")],
]
FILES = {  # TOML, and what is wrong with it
    "empty.toml": ("", "key 'input' is missing"),
    "half.toml": ("input = [64", "is not valid TOML"),
    "binary.toml": (b"\xff\xfe", "is not valid TOML"),
    "unknown.toml": ("input = [64]\nlayer = []", "key 'layer' is not known"),
    "kind.toml": ('input = [64]\nlayers = [{kind = "lstm"}]', "is of kind 'lstm', which is not known"),
    "lacks.toml": ('input = [64]\nlayers = [{kind = "dense"}]', "lacks the argument 'outputs'"),
    "more.toml": ('input = [64]\nlayers = [{kind = "relu", size = 3}]', "has no argument 'size'"),
    "text.toml": ('input = [64]\nlayers = [{kind = "dense", outputs = "many"}]', "outputs 'many'"),
    "layers.toml": ("input = [64]\nlayers = 3", "layers"),
    "no-layers.toml": ("input = [64]\nlayers = []", "layers"),
    "shape.toml": ('input = [0]\nlayers = [{kind = "dense", outputs = 3}]', "input"),
    "loss.toml": ('input = [64]\nloss = "x"\nlayers = [{kind = "dense", outputs = 3}]', "loss 'x' is not known"),
    "classes.toml": ('input = [64]\nclasses = 0\nlayers = [{kind = "dense", outputs = 3}]', "classes 0"),
    "image.toml": ('input = [64]\nlayers = [{kind="conv", filters=2, kernel=3}, {kind="dense", outputs=10}]', "conv"),
    "end.toml": ('input = [64]\nlayers = [{kind = "dense", outputs = 10}, {kind = "relu"}]', "the last layer must be"),
}
RESUMED = [
    ("'nosuch' is no run folder: it has no run.json", "train", "--resume", "nosuch"),
    ("'folder' is no run folder", "train", "--resume", "folder"),
    ("'file' is no run folder", "train", "--resume", "file"),
    ("'' is no run folder", "train", "--resume", ""),
    ("'dangling' is no run folder", "train", "--resume", "dangling"),
    ("--seed cannot be given with it", "train", "--resume", "folder", "--seed", "0"),
    ("--out cannot be given with it", "train", "--resume", "folder", "--out", "new"),
    ("expected one argument", "train", "--resume"),
]
PLACES = [
    ("there is no data set or folder ''", "compare", "--data", ""),
    ("did you mean mnist? `mcuref datasets` lists the data sets", "compare", "--data", "mnit"),
    ("data folder mnist_ does not exist; did you mean mnist?", "train", "--data", "mnist_/"),
    ("the data folder /nosuch does not exist", "train", "--data", "/nosuch"),
    ("file is not a folder", "train", "--data", "file"),
    ("has no train.npz and no test.npz", "compare", "--data", "."),
    *[("file '' is a folder", command, "--json", "") for command in ("compare", "train", "estimate", "targets")],
    *[("file 'folder' is a folder", command, "--json", "folder") for command in ("compare", "doctor", "bench")],
    ("there is no folder", "targets", "--json", "nosuch/x.json"),
    ("folder'? a file needs one that is there", "targets", "--json", "foldr/x.json"),
    ("'file/x.json' cannot be made: not a directory", "datasets", "--json", "file/x.json"),
    ("there is no folder '/nosuch'", "targets", "--json", "dangling"),
    ("file name too long", "targets", "--json", "x" * 300),
    ("'/dev/fd/99' cannot be written: it is not open", "targets", "--json", "/dev/fd/99"),
    ("run folder '-' would be stdout", "train", "--out", "-"),
    ("file 'folder' is a folder", "estimate", "--map", "folder"),
    ("picture 'map.xyz' ends with 'xyz'", "estimate", "--map", "map.xyz"),
    ("is named for two results", "estimate", "--map", "x.png", "--json", "x.png"),
    ("run folder '' exists already", "train", "--out", ""),
    ("run folder 'folder' exists already", "train", "--out", "folder"),
    ("run folder 'file' exists already", "train", "--out", "file"),
    ("run folder 'dangling' exists already", "train", "--out", "dangling"),
    ("run folder 'new/..' exists already", "train", "--out", "new/.."),
    ("cannot be made: not a directory", "train", "--out", "file/run"),
    ("dangling' is not a folder one may write to", "train", "--out", "dangling/run"),
    ("file name too long", "train", "--out", "x" * 300),
    ("is named for two results", "train", "--out", "new", "--json", "new"),
    ("is named for two results", "train", "--out", "new/run", "--json", "new"),
]


@pytest.fixture
def furnished(here):
    """A folder with one of each: a file, a folder, a link to nowhere."""
    (here / "file").write_text("mine")
    (here / "folder").mkdir()
    (here / "dangling").symlink_to("/nosuch/x")
    return here


def contents(folder):
    """Everything in a folder: {path: text of a file, None otherwise}."""
    return {path: path.read_text() if path.is_file() else None for path in sorted(folder.rglob("*"))}


CASES = [*WORDS, *METHODS, *NUMBERS, *SIZES, *MODELS, *PLACES, *RESUMED]


@pytest.mark.parametrize("case", CASES, ids=[" ".join(case[1:])[:60] for case in CASES])
def test_one_sentence_and_nothing_written(refused, furnished, monkeypatch, case):
    if case[1:3] == ("estimate", "--map") and case[3] == "map.xyz":
        pytest.importorskip("matplotlib")
        monkeypatch.setattr("mcuref.cli.estimate.show", lambda *results, **how: None)  # the estimate itself is fine
    before = contents(furnished)
    refused(*case)
    assert contents(furnished) == before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "command", [["estimate"], ["train", "--out", "run"], ["compare", "--json", "x.json"]], ids=lambda c: c[0]
)
def test_wrong_model_files(refused, here, command, name):
    content, fragment = FILES[name]
    (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    sentence = refused(fragment, *command, "--model", name)
    assert os.listdir(here) == [name]
    assert name in sentence or "network" in sentence


@pytest.mark.parametrize("name, fragment", [
    ("nosuch.toml", "model file 'nosuch.toml' does not exist"),
    ("folder.toml", "model file 'folder.toml' cannot be read"),
    ("nosuch.toml@0.5", "model file 'nosuch.toml' does not exist"), ("dangling.toml", "does not exist"),
])  # fmt: skip
def test_model_files_that_are_none(refused, here, name, fragment):
    (here / "folder.toml").mkdir(), (here / "dangling.toml").symlink_to("/nosuch/x")
    for command in RUNNING:
        refused(fragment, command, "--model", name)
    refused(fragment, "train", "--model", name, "--out", "run")


@pytest.mark.parametrize("sentence, given", [
    ("there is no data set or folder 'smal'; did you mean 'small'? `mcuref datasets`", ("train", "--data", "smal")),
    ("data folder Small does not exist; did you mean 'small'? a folder with", ("compare", "--data", "Small/")),
    ("'rnus/one' is no run folder: it has no run.json; did you mean 'runs/one'? name", ("report", "rnus/one")),
    ("'runs/oen' is no run folder: it has no run.json; did you mean 'runs/one'?", ("export", "runs/oen", "--c", "new")),
    ("'runs/noe/' is no run folder: it has no run.json; did you mean 'runs/one'?", ("train", "--resume", "runs/noe/")),
    ("'runs/two' is no run folder: it has no run.json; name the folder that --out made", ("report", "runs/two")),
    ("there is no folder 'frimware'; did you mean 'firmware'? mcuref export makes one", ("verify", "frimware")),
    ("'firm' is no exported project: it has no Makefile; did you mean 'firmware'?", ("verify", "firm", "--core", "host")),
    ("model file 'my_nte.toml' does not exist; did you mean 'my_net.toml'?", ("estimate", "--model", "my_nte.toml")),
    ("model 'my_net' is not known; did you mean 'my_net.toml'?", ("estimate", "--model", "my_net")),
    ("model file 'other.toml' does not exist; a TOML file is needed", ("estimate", "--model", "other.toml")),
])  # fmt: skip
def test_the_nearest_folder_or_file_of_that_kind(refused, small, here, sentence, given):
    """A run, a project, a model, data; the folders that are none of it are not named."""
    for name in ("runs/one/run.json", "runs/onee/x", "firmware/Makefile", "firm/x", "my_net.toml", "smal_/x", "rnu/x"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("")
    refused(sentence, *given)


@pytest.mark.parametrize("command", [["compare", "--json", "x.json"], ["train", "--out", "run"]], ids=lambda c: c[0])
def test_data_without_a_domain_shift(refused, here, small, monkeypatch, command):
    """Said before any work."""
    monkeypatch.setattr("mcuref.training.Trainer.run", None)
    monkeypatch.setattr("mcuref.program.executor.is_compiled", None)
    refused("data set 'small' has no domain shift", *command, "--data", small, "--regime", "shift")
    assert os.listdir(here) == ["small"]


@pytest.mark.parametrize("command", [["compare", "--json", "x.json"], ["train", "--out", "run"]], ids=lambda c: c[0])
def test_a_source_that_is_not_here(refused, here, small, monkeypatch, command):
    """Or that nothing names; said before any work."""
    monkeypatch.setattr("mcuref.training.Trainer.run", None)
    refused("regime 'transfer' has no source for data 'small'", *command, "--data", small, "--regime", "transfer")
    (row,) = [row for (name, _, regime), row in PROTOCOLS.items() if (name, regime) == ("flowers102_32", "transfer")]
    monkeypatch.setitem(PROTOCOLS, ("small", None, "transfer"), row)
    monkeypatch.setenv("MCUREF_DATA", str(here))
    sentence = refused(
        "begins with 'cifar10', which is not on this machine", *command, "--data", small, "--regime", "transfer"
    )
    assert "python data_scripts/cifar10.py" in sentence
    assert os.listdir(here) == ["small"]


def broken(arrays, what):
    """The arrays with one thing wrong."""
    train, test = arrays["train"], arrays["test"]
    if what in ("nan", "inf"):
        train["x"][7, 2] = float(what)
    elif what == "infinite test sample":
        test["x"][3, 1] = np.inf
    changes = {
        "empty": (train, "x", train["x"][:0]),
        "one dimension": (train, "x", train["x"][:, 0]),
        "strings": (train, "x", train["x"].astype(str)),
        "objects": (train, "x", train["x"].astype(object)),
        "too large": (train, "x", train["x"].astype(float) * 1e300),
        "width": (test, "x", test["x"][:, :3]),
        "type": (test, "x", np.zeros((9, 4), np.int8)),
        "fewer labels": (train, "y", train["y"][1:]),
        "negative label": (train, "y", train["y"] - 1),
        "half labels": (train, "y", train["y"] * 0.5),
        "one-hot": (train, "y", np.eye(3)[train["y"]]),
        "label not trained": (test, "y", test["y"] + 1),
        "words": (train, "y", train["y"].astype(str)),
    }
    if what in changes:
        side, name, value = changes[what]
        side[name] = value
    return arrays


@pytest.mark.parametrize("what, fragment", [
    ("nan", "x_train has nan at sample 7, position (2,)"), ("inf", "x_train has inf at sample 7"),
    ("infinite test sample", "x_test has inf at sample 3, position (1,)"), ("empty", "x_train has shape (0, 4)"),
    ("one dimension", "x_train has shape (30,)"), ("strings", "x_train has dtype <U"),
    ("objects", "holds pickled Python objects, which are not loaded"), ("too large", "must fit float32"),
    ("width", "x_test has samples of shape (3,)"), ("type", "x_test has dtype int8 and x_train float32"),
    ("fewer labels", "y_train has 29 labels for 30 samples"), ("negative label", "y_train has -1 at sample 0"),
    ("half labels", "y_train has 0.5 at sample 1"), ("one-hot", "y_train has shape (30, 3)"),
    ("label not trained", "y_test has 3 at sample 2"), ("words", "y_train has dtype <U"),
])  # fmt: skip
@pytest.mark.parametrize("command", [["compare", "--json", "x.json"], ["train", "--out", "run"]], ids=lambda c: c[0])
def test_wrong_data(refused, here, arrays, save, command, what, fragment):
    refused(fragment, *command, "--data", save(broken(arrays, what)))
    assert os.listdir(here) == ["small"]


@pytest.mark.parametrize(
    "damage, fragment",
    [
        (lambda file: file.write_bytes(file.read_bytes()[:300]), "cannot be read as a NumPy .npz file"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b"\x93NUMPY", b"\x93NUMPX")), "Bad"),
        (lambda file: file.write_bytes(b""), "cannot be read as a NumPy .npz file"),
        (lambda file: file.write_text("hello"), "cannot be read as a NumPy .npz file"),
        (lambda file: file.unlink(), "has no test.npz"),
        (lambda file: np.savez(file, a=1), "has no array 'x'"),
    ],
    ids=["truncated", "flipped", "empty", "text", "missing", "other"],
)
def test_damaged_files(refused, here, small, damage, fragment):
    damage(here / small / "test.npz")
    refused(fragment, "train", "--data", small, "--out", "run")
    assert os.listdir(here) == ["small"]


def test_data_that_is_not_here(refused, monkeypatch):
    for nonsense in ("/nosuch", "/etc/passwd"):
        monkeypatch.setenv("MCUREF_DATA", nonsense)
        sentence = refused("data set 'mnist' is not on this machine", "compare", "--data", "mnist")
        assert nonsense in sentence and "data_scripts/mnist.py" in sentence


def test_too_few_samples_for_two_parts(refused, arrays, save):
    arrays["train"] = {name: values[:1] for name, values in arrays["train"].items()}
    arrays["test"] = {"x": arrays["test"]["x"][:1], "y": arrays["train"]["y"]}
    one = save(arrays)
    refused("a validation split needs two", "train", "--data", one, "--evaluate", "validation")
    refused("a regime with pre-training needs two parts", "train", "--data", one, "--regime", "continue")


@pytest.mark.parametrize("command", [["compare", "--json", "x.json"], ["train", "--out", "run"]], ids=lambda c: c[0])
def test_divergence_names_layer_and_sample(refused, here, small, command):
    """The learning rate is a number, but far too large: the error becomes infinite."""
    sentence = refused("became NaN or infinite at sample", *command, "--data", small, "--learning-rate", "1e30")
    assert "layer 'dense" in sentence and os.listdir(here) == ["small"]


@pytest.mark.parametrize("command", [["compare", "--json", "x.json"], ["train", "--out", "run"]], ids=lambda c: c[0])
@pytest.mark.parametrize("regime", ["scratch", "continue"])
def test_over_budget_nothing_starts(refused, here, small, monkeypatch, command, regime):
    """Not even the pre-training, nor the kernels' compilation."""

    def never(*_, **__):
        raise AssertionError("started")

    monkeypatch.setattr("mcuref.training.Trainer.run", never)
    monkeypatch.setattr("mcuref.program.executor.is_compiled", never)
    options = ("--data", small, "--regime", regime, "--sram", "2200")
    sentence = refused("of sram but the budget leaves", *command, *options)
    assert "what would fit: --" in sentence and os.listdir(here) == ["small"]


def test_more_memory_than_this_computer_has(refused, monkeypatch):
    def full(*_):
        raise MemoryError("Unable to allocate 32.0 GiB")

    monkeypatch.setattr("mcuref.program.program.Arena", full)
    refused("memory is too small for that: Unable to allocate", "train", "--epochs", "1", "--method", "full")
