"""Options of the tests, their order, what they have to tell; kernels are compiled once; mcuref is that of this checkout."""

import os
import random
import sys
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
# What has the kernels compiled comes first, then what seldom needs them: of several processes (pytest -n), each of which
# begins with so many tests in a row, one compiles then, and the others have something to do meanwhile. So it is in the slow
# tier with what a fresh process compiles: one of the many tests of that comes first, and the others find it
FIRST = (
    "program/test_first_steps.py",
    "kernels/test_compiled_code.py::test_no_kernel_is_forgotten",
    "memory/",
    "models/",
    "layers/",
    "data_scripts/",
    "datasets/",
)
EXECUTORS = tuple(sorted(path.stem for path in (CHECKOUT / "mcuref" / "program").glob("executor*.py")))


def pytest_addoption(parser):
    """--kills, --kill-seed."""
    parser.addoption("--kills", type=int, default=4, help="how often test_killed_runs.py kills its four runs; default 4")
    parser.addoption("--kill-seed", type=int, help="seed of the moments at which it does; default: a new one")


def pytest_configure(config):
    """One seed for all processes; what tests start finds mcuref where they do (pythonpath in setup.cfg)."""
    if config.option.kill_seed is None:
        given = getattr(config, "workerinput", {})
        config.option.kill_seed = given.get("kill_seed", random.SystemRandom().randrange(1 << 32))
    os.environ.pop("COLUMNS", None)  # of whoever starts the tests, or of pytest -n; how wide tables are is for tests to say
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Give the seed to one of several processes."""
    node.workerinput["kill_seed"] = node.config.option.kill_seed


def pytest_collection_modifyitems(items):
    """In that order, and else as they were."""

    def place(item):
        return next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(f"tests/{start}")), len(FIRST))

    items.sort(key=place)


def pytest_collection_finish():
    """Of several processes, one compiles an executor; those that want the same wait, and load what it has kept."""
    executor = sys.modules.get("mcuref.program.executor")
    if executor and hasattr(executor.execute, "signatures"):
        from mcuref.kernels.jit import STORE

        for name in EXECUTORS if STORE.folder.is_dir() else ():
            module = import_module(f"mcuref.program.{name}")
            module.execute.compile = one_at_a_time(module.execute.compile, module.__file__)


def one_at_a_time(compile, path):
    """compile(signature), which waits for other processes that do the same with that path."""

    def alone(signature):
        with held(path):
            return compile(signature)

    return alone


@contextmanager
def held(path):
    """A folder or file that other processes which want to hold it wait for; where there are no such locks they do not."""
    if os.name != "posix":
        yield
        return
    import fcntl

    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder that all processes of this session have in common."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def once(shared):
    """once(name, make): a file that make(path) writes, in one of those processes."""

    def made(name, make):
        place = shared / name
        place.mkdir(exist_ok=True)
        with held(place):
            if not (place / "made").exists():
                make(place / "made")
        return place / "made"

    return made


@pytest.fixture(scope="session")
def compiled_executor():
    """The kernels, for tests that start processes which need them, or that would meet the note that they are compiled."""
    from mcuref.program.compiler import prepare_executor

    prepare_executor()


@pytest.fixture
def tell(request):
    """Have a line told at the end, whatever process the test runs in."""
    return lambda line: request.node.user_properties.append(("told", line))


def pytest_terminal_summary(terminalreporter):
    """Tell it."""
    reports = chain(*terminalreporter.stats.values())
    told = [line for report in reports for name, line in getattr(report, "user_properties", ()) if name == "told"]
    for line in dict.fromkeys(told):
        terminalreporter.write_line(line)
