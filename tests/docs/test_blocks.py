"""Every code block of every page is run, parsed, compiled or checked; each checker finds the defect that it is for.

Python blocks are run by pytest itself (doctest_glob in setup.cfg), which finds pages where testpaths says.
"""

import pytest

from . import commands, contents
from .blocks import DIRECTIVES, LANGUAGES, PAGES, TOP, blocks, faults_of_form, name_of, read

BY_NAME = {name_of(page): page for page in PAGES}
every_page = pytest.mark.parametrize("page", BY_NAME.values(), ids=BY_NAME)


def of_language(language):
    """Parametrize by the blocks of a language, on whatever page they are."""
    found = [
        pytest.param(block.text, id=f"{name}:{block.line}")
        for name, page in BY_NAME.items()
        for block in blocks(read(page), language)
    ]
    return pytest.mark.parametrize("text", found)


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """An exported project, for its headers."""
    folder = tmp_path_factory.mktemp("exported") / "firmware"
    contents.write_example(folder)
    return folder


@every_page
def test_no_block_escapes_the_checks(page):
    assert not faults_of_form(read(page))


@pytest.mark.parametrize(
    "text, fault",
    [
        ("Text:\n\n    mcuref compare\n", "an indented block"),
        ("```\nmcuref compare\n```\n", "language '' is not known"),
        ("```bash\nmcuref compare\n```\n", "language 'bash' is not known"),
        ("```{code-block} python\n1 / 0\n```\n", "language '{code-block}' is not known"),
        ("- item\n\n  ```py\n  1 / 0\n  ```\n", "language 'py' is not known"),
        ("```python\n1 / 0\n```\n", "does not begin with >>>"),
        ("```console\nmcuref targets\n```\n", "does not begin with $"),
        ("```python\n>>> 1 / 0  # doctest: +SKIP\n```\n", "skips"),
    ],
)
def test_a_block_that_nothing_would_check_is_found(text, fault):
    assert fault in " ".join(faults_of_form(text))


def test_blocks_of_every_known_kind_pass_and_are_read_whole():
    starts = {"python": ">>> 1\n1\n\n", "console": "$ mcuref --version\nmcuref\n"}
    text = "\n".join(f"```{kind}\n{starts.get(kind, 'x')}\n```\n" for kind in LANGUAGES + DIRECTIVES)
    assert not faults_of_form(text)
    assert [block.language for block in blocks(text)] == [*LANGUAGES, *DIRECTIVES]
    assert blocks("text\n\n```sh\na\n\nb\n```\n") == [("sh", "a\n\nb\n", 3)]


def test_pytest_runs_the_python_blocks_of_all_pages(pytestconfig):
    assert "--doctest-glob=*.md" in pytestconfig.getini("addopts")
    run = pytestconfig.getini("testpaths")
    assert not [name for name, page in BY_NAME.items() if ">>> " in read(page) and name.partition("/")[0] not in run]


@of_language("sh")
def test_commands_name_what_exists(text):
    assert not commands.faults(text)


@pytest.mark.parametrize(
    "line, fault",
    [
        ("mcuref compair", "no command 'compair'"),
        ("mcuref compare --model mlp-784-32-10 --tagret nrf52840", "unknown option --tagret"),
        ("mcuref compare --model resnet-9", "resnet-9"),
        ("mcuref train --method tinyprob", "tinyprob"),
        ("dask wroker tcp://192.0.2.7:8786", "no command 'wroker'"),
        ("dask worker tcp://192.0.2.7:8786 --threads 1", "no option --threads"),
        ("mcuref train --method none", "none"),
        ("mcuref compare --method none,full", "none"),
        ("mcuref quantise runs/mine --method median", "median"),
        ("mcuref train --set smax=0.5", "smax"),
        ("mcuref compare --method full,tinyprop3", "tinyprop3"),
        ("mcuref train --preset papers", "papers"),
        ("mcuref train --target nrf99", "nrf99"),
        ("mcuref train --sram many", "many"),
        ("mcuref train --data mnits", "mnits"),
        ("mcuref train --regime shifted", "shifted"),
        ("mcuref train --schedule cosine", "cosine"),
        ("mcuref compare --seeds one", "one"),
        ("mcuref incremental --compare naive,large", "large"),
        ("mcuref incremental --compare never", "never"),
        ("mcuref verify firmware/ --core m5", "m5"),
        ("python data_scripts/cifar11.py", "there is no data_scripts/cifar11.py"),
        ("python data_scripts/mnist.py --subsets", "no option --subsets"),
        ("python -m mcuref.firmware.messure", "there is no mcuref.firmware.messure"),
        ("python -m mcuref.firmware.measuring.instructions --cheque", "no option --cheque"),
        ("pytest tests/firmwares", "there is no tests/firmwares"),
        ("pytest tests/test_rules.py::test_nothing_at_all", "has no test_nothing_at_all"),
        ("pytest -m slower", "no marker 'slower'"),
        ("pytest --kill 5", "no option --kill"),
        ("pip install .[tests]", "no extra 'tests'"),
        ("pip install mcuref", "is not this folder"),
        ("make CORE=m5f run", "no core 'm5f'"),
        ("make ruin", "no target 'ruin'"),
        ("apt-get install gcc-arm-none", "gcc-arm-none is not"),
        ("ruff formats .", "does not run ruff formats"),
        ("mypy mcuref/files.py", "takes no mcuref/files.py"),
        ("mcuref train $settings", "$settings was not assigned"),
        ('a="--seeds one"\nmcuref compare $a', "one"),
        ("mcuref targets | head", "only && joins"),
        ("mcuref models && mcuref modles", "modles"),
        ("mcuref estimate \\\n  --trainable two", "two"),
        ("mcuref train 'my folder", "No closing quotation"),
        ("mkfs /dev/sda", "program 'mkfs' is not known"),
    ],
)  # fmt: skip
def test_a_command_that_names_what_is_not_there_is_found(line, fault):
    assert fault in " ".join(commands.faults(line))


def test_commands_that_are_right_pass():
    assert not commands.faults("""
# a comment
a="--seeds 3 --sweep"   # another
mcuref compare --data mnist --model cnn-28 --regime shift $a --target none
mcuref compare --data mnist --method tinyprop,tinypropv2 --set s_max=0.7 --json -
mcuref compare --data mnist --model model.tflite --method none --dtype float32,int8
mcuref quantise runs/mine --method percentile --percentile 99.9
mcuref train --data my_folder/ --model my_model.toml --sram 64KiB --out runs/mine   # files of the user
mcuref train --resume runs/mine
mcuref incremental --data mnist --model cnn-28 --tasks 5 --compare naive,k-center
mcuref incremental --data mnist --drift sudden --compare never
mcuref verify --conformance --core all
mcuref compare --help
python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest -q tests/golden
. .venv/bin/activate
pytest -m "not slow" tests/runs/test_killed_runs.py --kills 50
pytest -m "" tests/golden
NUMBA_DISABLE_JIT=1 pytest -q -W ignore::RuntimeWarning tests/kernels
python data_scripts/cifar10.py --subset
python -m mcuref.firmware.measuring.footprint --check --core m4f
make -C firmware CORE=m4f run
apt-get install --no-install-recommends gcc-arm-none-eabi qemu-system-arm
""")


@of_language("console")
def test_what_a_command_prints_is_what_stands_there(text, tmp_path):
    assert not contents.console_faults(text, tmp_path)


def test_a_screen_that_differs_is_found(tmp_path):
    right = "$ mcuref --version; echo $COLUMNS\nmcuref 0.1.0\n80\n$ echo two\ntwo\n"
    assert not contents.console_faults(right, tmp_path)
    assert contents.console_faults(right.replace("echo two", "echo three"), tmp_path) == ["echo three prints\nthree\n"]
    assert contents.console_faults(right.replace("80", "81"), tmp_path)


@of_language("toml")
def test_described_models_can_be_built(text, tmp_path):
    assert not contents.toml_faults(text, tmp_path)


def test_a_model_that_cannot_be_built_is_found(tmp_path):
    right = 'input = [8, 8, 1]\nlayers = [{ kind = "flatten" }, { kind = "dense", outputs = 10 }]\n'
    assert not contents.toml_faults(right, tmp_path)
    assert "dens" in contents.toml_faults(right.replace('"dense"', '"dens"'), tmp_path)[0]


@of_language("c")
def test_c_compiles_beside_an_exported_project(text, project):
    faults = contents.c_faults(text, project)
    if faults is None:
        pytest.skip("gcc is not installed")
    assert not faults


def test_c_that_does_not_compile_is_found(project):
    right = '#include "model.h"\nvoid learn(const float *x, int y) { (void)x; (void)y; }\n'
    if contents.c_faults(right, project) is None:
        pytest.skip("gcc is not installed")
    assert not contents.c_faults(right, project)
    assert "modle.h" in contents.c_faults(right.replace("model.h", "modle.h"), project)[0]


@of_language("bibtex")
def test_what_is_to_be_cited_is_what_the_citation_file_says(text):
    assert not contents.bibtex_faults(text)


def test_a_wrong_citation_is_found():
    paper = contents.citation()["2409.07109"]
    right = f"""@misc{{tinypropv2,
  author = {{Marcus R\\"ub and Axel Sikora and Daniel Mueller-Gritschneder}},
  title  = {{{{{paper["title"]}}}}},
  eprint = {{2409.07109}},
  year   = {{2024}},
}}
@software{{mcuref,
  author  = {{{{The mcuref authors}}}},
  title   = {{mcuref}},
  version = {{0.1.0}}
}}
"""
    assert not contents.bibtex_faults(right)
    assert not contents.bibtex_faults(right.replace('Marcus R\\"ub', "Rüb, Marcus"))
    for old, new in [
        ("Axel Sikora and ", ""),
        ("Axel", "Daniel"),
        ("2024", "2023"),
        ("Sparse", "Spare"),
        ("0.1.0", "0.2"),
        ("2409.07109", "2409.07110"),
        ("The mcuref authors", "Others"),
    ]:
        assert contents.bibtex_faults(right.replace(old, new)), new


def test_the_citation_file_is_of_this_version_and_these_papers():
    import mcuref

    known = contents.citation()
    assert set(known) == {"mcuref", "2308.09201", "2409.07109", "2409.07114"}
    assert known["mcuref"]["version"] == mcuref.__version__ and known["mcuref"]["title"] == "mcuref"
    assert f"version = {mcuref.__version__}" in (TOP / "setup.cfg").read_text()
    assert f"[{mcuref.__version__}]" in (TOP / "CHANGELOG.md").read_text()
