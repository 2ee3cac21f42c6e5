"""Names of models in C: what would not build, or would mean something else, is refused."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mcuref.errors import InputError
from mcuref.export.cores import CORES, FLAGS
from mcuref.export.names import HEADERS, NAME, check_name
from mcuref.export.sources import SOURCES


def allowed(name):
    """Whether a model may be called so."""
    try:
        check_name(name)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("name", "stddef stdio stdarg features malloc fopen sinf trained_state watch".split())
def test_names_of_the_c_library_and_of_the_project_are_refused(name):
    with pytest.raises(InputError, match=f"name '{name}' is no name for a model in C"):
        check_name(name)


@pytest.mark.parametrize("name", ["model", "har", "keyword_spotter", "island", "streams"])
def test_other_names_are_not(name):
    check_name(name)


def tool(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.mark.parametrize("core", ["host", "m0", "m55"])
def test_no_header_of_a_model_is_taken_for_one_of_the_compiler(tmp_path, core):
    """A model gets the name of every header that the compiler has: none of these is included."""
    core = CORES[core]
    command = [tool(core.compiler), *core.flags, *FLAGS]
    said = subprocess.run([*command, "-E", "-v", "-"], input="", capture_output=True, text=True, check=True).stderr
    places = re.search(r"#include <\.\.\.> search starts here:\n(.*?)End of search", said, re.S)[1].split("\n")
    headers = {path.name for place in places if place.strip() for path in Path(place.strip()).glob("*.h")}
    assert {f"{name}.h" for name in ("stdint", "stddef", "stdio", "string", "limits", "errno")} <= headers
    for name in headers - {path.name for path in SOURCES.rglob("*.h")}:
        (tmp_path / name).write_text("#error this is the header of a model")
    files = [path for name in ("kernels", "operations", "program", "board") for path in (SOURCES / name).rglob("*.c")]
    files = [path for path in files if path.parent.name != "board" or path.stem in core.toolchain.board]
    subprocess.run([*command, "-fsyntax-only", "-iquote", tmp_path, *files], check=True)


def test_standard_headers_are_refused_for_those_who_search_them_with_other_flags():
    assert not any(map(allowed, HEADERS))


@pytest.mark.parametrize("library", [pytest.param("libc.so.6", marks=pytest.mark.slow), "libm.so.6"])
def test_no_allowed_name_is_a_function_that_the_compiler_knows(tmp_path, library):
    path = subprocess.run([tool("gcc"), f"-print-file-name={library}"], capture_output=True, text=True, check=True).stdout
    listed = subprocess.run([tool("nm"), "-D", "--defined-only", path.strip()], capture_output=True, text=True, check=True)
    names = {line.split()[-1].partition("@")[0] for line in listed.stdout.splitlines()}
    names = sorted(name for name in names if re.fullmatch(NAME, name))
    assert len(names) > 500 and not any(map(allowed, {"malloc", "fopen", "sin"} & set(names)))
    (tmp_path / "names.c").write_text("".join(f"extern const struct model {name};\n" for name in names if allowed(name)))
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only", tmp_path / "names.c"], check=True)
