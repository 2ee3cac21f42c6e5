"""What the C sources promise: no warning, nothing undefined, no heap, C library, recursion, double or fused arithmetic.

Each promise has a function that says how it is broken, and a test that breaks it in a copy of the sources.
"""

import re
import shutil

import pytest

from mcuref.export.cores import CORES, WARNINGS
from mcuref.export.sources import library_sources
from mcuref.firmware.cases import cases, wide_cases
from mcuref.firmware.conformance import check
from mcuref.firmware.toolchain import ToolError, call, compile_all, find_tool

HOST = CORES["host"]
FUSED = r"\bv(fn?m[as]|n?ml[as])\b|\bfn?m(add|sub|l[as])\b|\bfn?m(add|sub)\.[sd]\b"  # Cortex-M; Arm64; RISC-V
VECTOR = r"\bq[0-7]\b"
DOUBLE = r"\.f64|__aeabi_d|__aeabi_[fil]+2d\b|__\w+df[23si]|\bf\w+\.d\b"
ATOMIC = r"\b(lr|sc|amo\w+)\.w\b"
LIBRARY = (  # the compiler's own, and the linker's table through which addresses of functions are read on the host
    r"(_GLOBAL_OFFSET_TABLE_|__aeabi_(f\w+|[iu]+2f|lmul|u?idiv|u?idivmod|idiv0)|__gnu_thumb1_case_\w+|mem(cpy|set)"
    r"|__(add|sub|mul|div|eq|ne|l[te]|g[te])sf[23]|__fix(uns)?sfsi|__float(un)?sisf)"
)
UNDEFINED = ("-O1", "-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all")
SANITIZERS = ("-g", *UNDEFINED, "-fsanitize=address")


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """objects(core): object files of the sources as they are, and call graphs; compiled once a core."""
    made = {}

    def make(core):
        if core.name not in made:
            folder = tmp_path_factory.mktemp(core.name)
            graphs = () if core.compiler == "clang" else ("-fcallgraph-info",)
            made[core.name] = compile_all(core, library_sources(), folder, (*graphs, "-Wvla"))
        return made[core.name]

    return make


# -- how a promise is broken ----------------------------------------------------------------------------------------


def tool(core, name):
    return find_tool(core.toolchain.prefix + name)


def symbols(core, objects):
    """[(letter of nm, name)] of object files."""
    lines = call([tool(core, "nm"), *objects]).splitlines()
    return [tuple(line.split()[-2:]) for line in lines if len(line.split()) >= 2 and not line.endswith(":")]


def foreign(core, objects):
    """Functions that are asked for and defined by none of the files, but for what the compiler brings."""
    found = symbols(core, objects)
    defined = {name for letter, name in found if letter != "U"}
    return sorted({n for letter, n in found if letter == "U" and n not in defined and not re.fullmatch(LIBRARY, n)})


def writable(core, objects):
    """Static data that could change."""
    return sorted(name for letter, name in symbols(core, objects) if letter in "dDbBcCsSgG")


def matching(core, objects, pattern):
    """Lines of the disassembly, and of calls in it, with a pattern."""
    lines = call([tool(core, "objdump"), "-dr", "--no-show-raw-insn", *objects]).splitlines()
    return [line.strip() for line in lines if re.search(pattern, line.partition(":")[2])]


def calls(objects):
    """{function: functions that it calls}; an indirect call may reach every operation."""
    graph = {}
    for file in objects:
        text = file.with_suffix(".ci").read_text(encoding="utf-8")
        for source, target in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            graph.setdefault(source, set()).add(target)
        operations = {name for name in re.findall(r'node: \{ title: "([^"]+)"', text) if name.startswith("mcuref_run_")}
        operations.discard("mcuref_run_row")
        graph.setdefault("__indirect_call", set()).update(operations)
    return graph


def circle(graph):
    """Functions that call each other in a circle, or None."""
    done = set()

    def visit(name, above):
        if name in above:
            return [*above[above.index(name) :], name]
        if name in done:
            return None
        found = next(filter(None, (visit(target, [*above, name]) for target in sorted(graph.get(name, ())))), None)
        done.add(name)
        return found

    return next(filter(None, (visit(name, []) for name in sorted(graph))), None)


# -- warnings and undefined behaviour ------------------------------------------------------------------------------


LEVELS = pytest.mark.parametrize("level", [*(pytest.param(o, marks=pytest.mark.slow) for o in ("-O0", "-O2")), "-O3"])


@LEVELS
def test_gcc_has_nothing_to_say(need, tmp_path, level):
    need("host")
    compile_all(HOST, library_sources(), tmp_path, (level, "-Wvla"))


@LEVELS
def test_clang_has_nothing_to_say(tmp_path, level):
    if not shutil.which("clang"):
        pytest.skip("clang is not installed; Debian and Ubuntu have it in: apt-get install clang")
    for source in library_sources():
        command = ["clang", "-std=c99", *WARNINGS, "-Werror", level, "-ffp-contract=off", "-c", source]
        call([*command, "-o", tmp_path / "object.o"])


def test_a_warning_is_an_error(need, tmp_path, patched_sources):
    need("host")
    patched_sources("kernels/add.c", "out[i] = a[i] + b[i]", "out[i] = a[i] + b[i], n + 1")
    with pytest.raises(ToolError, match="add.c.*no effect"):
        compile_all(HOST, library_sources(), tmp_path)


def test_an_array_of_variable_length_is_an_error(need, tmp_path, patched_sources):
    need("host")
    patched_sources(
        "kernels/hashing.c", "uint32_t value = start;", "uint8_t a[n]; uint32_t value = start + (n && a == data);"
    )
    with pytest.raises(ToolError, match="variable length"):
        compile_all(HOST, library_sources(), tmp_path, ("-Wvla",))


def test_nothing_undefined_is_done_by_some_programs(need):
    need("host")
    assert not any(check(HOST, [material for _, material in cases()[::9]], UNDEFINED))


@pytest.mark.slow
def test_nothing_undefined_is_done(need):
    need("host")
    assert not any(check(HOST, [material for _, material in cases()], SANITIZERS))


@pytest.mark.slow
def test_nothing_undefined_is_done_in_the_place_of_dsp_instructions(need):
    need("host")
    assert not any(check(HOST, [material for _, material in cases(["int8"])], (*SANITIZERS, "-DMCUREF_DSP_EMULATED")))


@pytest.mark.slow
def test_nothing_undefined_is_done_with_wide_indices(need):
    need("host")
    assert not any(check(HOST, [material for _, material in wide_cases()], SANITIZERS))


OVERFLOW = "(uint32_t)((int32_t)(value ^ bytes[i]) * 0x01000193)"
BOUNDS = "int32_t largest = 0, a[1] = {0}; largest = a[program->rows];"


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("kernels/hashing.c", "(value ^ bytes[i]) * 0x01000193u", OVERFLOW, "signed integer overflow"),
        ("program/float32.c", "int32_t largest = 0;", BOUNDS, "out of bounds"),
    ],
    ids=["overflow", "bounds"],
)
def test_what_is_undefined_is_seen(need, patched_sources, file, old, new, message):
    need("host")
    patched_sources(file, old, new)
    (difference,) = check(HOST, [material for _, material in cases()][:1], UNDEFINED)
    assert message in difference.sentence() and "the firmware failed with status 1" in difference.sentence()


@pytest.mark.parametrize("flag", ["-ffast-math", "-funsafe-math-optimizations", "-ffinite-math-only"])
def test_flags_that_change_results_are_refused(need, tmp_path, flag):
    need("host")
    with pytest.raises(ToolError, match="compile without"):
        compile_all(HOST, library_sources(), tmp_path, (flag,))


def test_an_int_of_16_bits_is_refused(need, tmp_path):
    need("host")
    with pytest.raises(ToolError, match="int must have 32 bits"):
        compile_all(HOST, library_sources(), tmp_path, ("-U__SIZEOF_INT__", "-D__SIZEOF_INT__=2"))


@pytest.mark.parametrize("standard", [*(pytest.param(s, marks=pytest.mark.slow) for s in ("c11", "gnu99")), "gnu17"])
@pytest.mark.parametrize("name", ["host", *(pytest.param(name, marks=pytest.mark.slow) for name in ("m4f", "m55"))])
def test_later_standards_will_do(need, tmp_path, name, standard):
    compile_all(need(name), library_sources(), tmp_path, (f"-std={standard}", "-Wno-pedantic"))


# -- what is in the objects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["host", "m0", "m4f", "rv32imac", "m4f-clang"])
def test_no_heap_no_library_and_no_static_data(need, objects, name):
    core = need(name)
    assert foreign(core, objects(core)) == [] and writable(core, objects(core)) == []


def test_symbols_begin_with_the_name_of_the_project(need, objects):
    core = need("host")
    assert {name for letter, name in symbols(core, objects(core)) if letter == "T" and name[:7] != "mcuref_"} == set()


@pytest.mark.parametrize("name", [
    "m0", "m4f", "rv32imafc", "m4f-clang",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("m7", "m55", "rv32imac", "arm64")),
])  # fmt: skip
def test_arithmetic_is_single_unfused_and_scalar(need, objects, name):
    core = need(name)
    found = [
        file for file in objects(core) if name != "m55" or "-int8-" not in file.name
    ]  # integers lose nothing in vectors
    for pattern in (FUSED, DOUBLE, *(() if name == "arm64" else (VECTOR,))):
        assert matching(core, found, pattern) == []
    if name not in ("m0", "rv32imac"):
        assert matching(core, objects(core), r"\bv?f?mul(\.f32|\.s|\ts\d+.*)")  # there is arithmetic at all


def test_nothing_is_atomic_so_that_parts_without_atomic_instructions_run_it(need, objects):
    core = need("rv32imac")
    assert matching(core, objects(core), ATOMIC) == []


def test_no_function_calls_itself_on_any_way(need, objects):
    graph = calls(objects(need("m4f")))
    assert graph["mcuref_run_row"] == {"__indirect_call"} and len(graph["__indirect_call"]) > 30
    assert circle(graph) is None


def compiled(core, folder, text, flags=()):
    """Object of a C file of its own, as the sources are compiled."""
    file = folder / "broken.c"
    file.write_text(text, encoding="utf-8")
    return compile_all(core, [file], folder, ("-fcallgraph-info", *flags))


def test_a_heap_a_library_and_static_data_are_seen(need, tmp_path):
    core = need("m4f")
    text = "#include <math.h>\n#include <stdlib.h>\nvoid *f(void);\n"
    text += "void *f(void) { static float x; x = expf(x); return malloc((size_t)x); }\n"
    found = compiled(core, tmp_path, text)
    assert foreign(core, found) == ["expf", "malloc"] and len(writable(core, found)) == 1


def test_fused_double_and_vector_arithmetic_are_seen(need, tmp_path):
    head = "float f(float a, float b, double *c)"
    text = f"{head};\n{head} {{ *c = *c * 3.0; return a * b + a; }}\n"
    for name in ("m4f", "m7", "rv32imafc"):
        core = need(name)
        found = compiled(core, tmp_path, text, ("-ffp-contract=fast",))
        assert matching(core, found, FUSED) and matching(core, found, DOUBLE)
    assert matching(need("arm64"), compiled(need("arm64"), tmp_path, text, ("-ffp-contract=fast",)), FUSED)
    loop = "void g(int *a, int n);\nvoid g(int *a, int n) { for (int i = 0; i < n; i++) a[i] += 3; }\n"
    core = need("m55")
    assert matching(core, compiled(core, tmp_path, loop, ("-O3", "-ftree-vectorize")), VECTOR)


def test_what_is_atomic_is_seen(need, tmp_path):
    core = need("rv32imac")
    text = "int f(int *a);\nint f(int *a) { return __sync_fetch_and_add(a, 1); }\n"
    assert matching(core, compiled(core, tmp_path, text), ATOMIC)


def test_recursion_is_seen(need, tmp_path):
    core = need("m4f")
    text = "int f(int n);\nint g(int n);\nint f(int n) { return n ? g(n - 1) * 3 : 1; }\n"
    text += "__attribute__((noinline)) int g(int n) { return n > 5 ? f(n - 2) + f(n - 3) : 2; }\n"
    assert circle(calls(compiled(core, tmp_path, text, ("-fno-inline",)))) == ["f", "g", "f"]
