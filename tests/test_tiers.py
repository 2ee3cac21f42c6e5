"""How the tests themselves run: in tiers, in one process or several, which tell what there is to tell and compile once."""

import fcntl
import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import numba
import pytest

from mcuref.program import executor

HERE = Path(__file__).resolve().parent
SMALL = """
import pytest

def test_quick(tell, request):
    tell(f"quick, {request.config.getoption('--kill-seed')}")

@pytest.mark.slow
def test_slow(tell, request):
    tell(f"slow, {request.config.getoption('--kill-seed')}")
    assert request.config.getoption("--kills") == 4
"""
needs_xdist = pytest.mark.skipif(not importlib.util.find_spec("xdist"), reason="needs pytest-xdist")
several = pytest.param(("-n", "2"), marks=[needs_xdist, pytest.mark.slow])


@pytest.fixture
def run(tmp_path):
    """Run pytest on two small tests, as it is set up here: (status, what it printed)."""
    (tmp_path / "tests").mkdir()
    shutil.copy(HERE.parent / "setup.cfg", tmp_path)
    shutil.copy(HERE / "conftest.py", tmp_path / "tests")

    def pytest_with(*arguments, text=SMALL):
        (tmp_path / "tests" / "test_small.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_small.py", *arguments]
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True)
        return done.returncode, done.stdout

    return pytest_with


@pytest.mark.parametrize("processes", [(), several], ids=["one process", "two"])
def test_all_tell_at_the_end_and_have_one_seed(run, processes):
    """What is told of a test that fails most of all."""
    status, out = run("-m", "", "--kills", "5", *processes)
    assert status == 1 and "1 failed, 1 passed" in out
    (quick,), (slow,) = (re.findall(rf"^{name}, (\d+)$", out, re.MULTILINE) for name in ("quick", "slow"))
    assert quick == slow


@pytest.mark.parametrize(
    "tier, ran",
    [
        ((), ["quick"]),
        pytest.param(("-m", "slow"), ["slow"], marks=pytest.mark.slow),
        pytest.param(("-m", ""), ["quick", "slow"], marks=pytest.mark.slow),
    ],
)
def test_slow_tests_run_if_asked_for(run, tier, ran):
    status, out = run(*tier)
    assert status == 0 and re.findall(r"^(\w+), \d+$", out, re.MULTILINE) == ran


def test_a_tier_that_is_misspelt_is_an_error(run):
    status, out = run(text=SMALL.replace("slow", "slwo"))
    assert status == 2 and "'slwo' not found in `markers`" in out


def test_who_compiles_waits_for_another_process(tmp_path, pytestconfig):
    here, ended = pytestconfig.pluginmanager.get_plugin(str(HERE / "conftest.py")), threading.Event()
    compile = here.one_at_a_time(lambda signature: ended.set() or f"compiled for {signature}", tmp_path)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    waiting = threading.Thread(target=compile, args=("x",))
    waiting.start()
    assert not ended.wait(0.2)
    os.close(other)
    waiting.join(30)
    assert ended.is_set() and compile("y") == "compiled for y"


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_each_executor_has_a_lock_of_its_own(pytestconfig):
    """Two processes that need two executors compile them side by side, and none of them twice."""
    here = pytestconfig.pluginmanager.get_plugin(str(HERE / "conftest.py"))
    modules = [import_module(f"mcuref.program.{name}") for name in here.EXECUTORS]
    assert len({inspect.getclosurevars(module.execute.compile).nonlocals["path"] for module in modules}) == len(modules)
    assert {path.stem for path in Path(executor.__file__).parent.glob("executor*.py")} == set(here.EXECUTORS)


def test_what_processes_share_is_made_once(once):
    made = []

    def make(path):
        made.append(path)
        path.write_text("made")

    assert [once("tiers", make).read_text() for _ in range(2)] == ["made"] * 2 and len(made) == 1
    with pytest.raises(ZeroDivisionError):
        once("failing", lambda path: 1 / 0)
    assert once("failing", make).read_text() == "made"
