"""Libraries: what build systems want is there, their examples build and compute the bits of mcuref, and say so if not.

In the place of Arduino, Zephyr and ESP-IDF is what platforms/ has; every CMakeLists.txt that is run is a library's own.
"""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import mcuref
from mcuref import rules
from mcuref.calibration import quantised_body
from mcuref.datasets import load
from mcuref.errors import InputError
from mcuref.export.cores import CORES, FLAGS
from mcuref.export.libraries import record
from mcuref.export.libraries.layouts import LAYOUTS
from mcuref.export.libraries.write import write_library
from mcuref.export.material import Material
from mcuref.export.sources import SOURCES, board_sources
from mcuref.firmware.toolchain import compile_all, execute, link, missing
from mcuref.models import build
from mcuref.optimisers import SGD

PLATFORMS = Path(__file__).with_name("platforms")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
SAME, OTHER = "self-check: the bits of mcuref", "self-check: NOT the bits of mcuref"


def material(kind="float32", loss="softmax_cross_entropy", trainable=None):
    data = load("digits")
    network = build("mlp-64-8-10", data)
    if kind == "int8":
        network = mcuref.quantise_to_train(network, data.x_train, loss=loss, trainable=trainable)
    elif kind == "mixed":
        network = quantised_body(network, data.x_train, trainable)
    program = mcuref.compile(network, rules.make("tinyprop"), SGD(0.02), loss=loss, trainable=trainable)
    return Material(program, data.x_train[:3], data.y_train[:3])


def rests(dtype):
    """Of three stored samples that are shown again and again, some rest."""
    data = load("digits")
    network = build("mlp-64-8-10", data)
    network = network if dtype == "float32" else mcuref.quantise_to_train(network, data.x_train)
    rule = rules.TinyPropR(output="rule", threshold=0.97, stored=3)
    return Material(mcuref.compile(network, rule, SGD(0.02)), data.x_train[:3], data.y_train[:3])


def autoencoder():
    program = mcuref.compile(build("autoencoder-16-4-16"), rules.make("tinyprop"), SGD(0.02), loss="reconstruction")
    return Material(program, np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32))


PROGRAMS = {
    "int8": lambda: material("int8"),
    "int8, squared error": lambda: material("int8", "mean_squared_error"),
    "int8, inference": lambda: material("int8", trainable=0),
    "mixed": lambda: material("mixed", trainable=1),
    "inference": lambda: material(trainable=0),
    "reconstruction": autoencoder,
    "rests": lambda: rests("float32"),
    "int8, rests": lambda: rests("int8"),
}


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """A folder a layout, in each the library kws."""
    folder = tmp_path_factory.mktemp("libraries")
    for layout in LAYOUTS:
        write_library(material(), layout, folder / layout / "kws", "spotter")
    return folder


def tool(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def call(*command, **more):
    """What a command prints; it has to end well."""
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def go_wrong(library):
    """Training goes wrong by a bit."""
    file = library / "src" / "kernels" / "loss.c"
    assert file.read_text().count("delta[label] - 1.0f") == 1
    file.write_text(file.read_text().replace("delta[label] - 1.0f", "delta[label] - 0.9990234375f"))


@pytest.fixture
def copied(libraries, tmp_path):
    """copied(layout): a library that may be changed."""
    return lambda layout: Path(shutil.copytree(libraries / layout / "kws", tmp_path / "kws"))


def looped(printed, verdict=SAME):
    """Whether a platform's example printed what it has to, with what is saved after each 600 steps."""
    lines = printed.splitlines()
    steps = [re.fullmatch(r"sample \d: found \d, is \d, trained(, saved)?", line) for line in lines[2:]]
    return lines[:2] == [verdict, "start: as exported"] and all(steps) and [n for n, s in enumerate(steps) if s[1]] == [599]


# -- what is in them ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_library_has_its_sources_its_example_and_no_more(libraries, layout):
    library, chosen = libraries / layout / "kws", LAYOUTS[layout]
    assert [path.name for path in sorted((library / "src").iterdir())] == [
        "kernels", "operations", "program", "spotter.c", "spotter.h",
    ]  # fmt: skip
    example = {path.name for path in (library / chosen.example).iterdir() if path.suffix in (".c", ".h", ".ino", ".cpp")}
    assert example == {*chosen.files, "samples.c", "samples.h"}
    assert "verify" not in " ".join(str(path) for path in library.rglob("*"))
    files = [*(library / "src").glob("*.*"), *(library / chosen.example).iterdir(), *library.glob("*.*")]
    texts = "".join(path.read_text() for path in files if path.is_file())
    assert not re.search(r"\bMODEL_|[&<\"]model\b", texts)  # as it is called in mcuref


@pytest.mark.parametrize("layout", ["zephyr", "esp-idf", "cmake"])
def test_build_files_name_every_source(libraries, layout):
    library = libraries / layout / "kws"
    named = re.findall(r"^ +src/(\S+\.c)$", (library / "CMakeLists.txt").read_text(), re.M)
    assert sorted(named) == sorted(path.relative_to(library / "src").as_posix() for path in library.rglob("src/**/*.c")
                                   if "selfcheck" not in path.parts)  # fmt: skip
    assert " ".join(record.FLAGS).replace(" ", ";" if layout == "cmake" else " ") in (library / "CMakeLists.txt").read_text()


def test_flags_are_those_of_all_firmware():
    assert set(record.FLAGS) <= set(FLAGS)


def test_arduino_has_what_the_specification_wants(libraries):
    library = libraries / "arduino" / "kws"
    properties = dict(line.split("=", 1) for line in (library / "library.properties").read_text().splitlines())
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    optional = {"depends", "dot_a_linkage", "includes", "precompiled", "ldflags"}
    assert required <= properties.keys() <= required | optional and all(properties.values())
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"]) and properties["name"] == "kws"
    assert properties["category"] in ("Data Processing", "Data Storage", "Other", "Uncategorized")
    assert (library / "src" / properties["includes"]).is_file()
    assert [path.stem for path in library.rglob("*.ino")] == ["selfcheck"] and (library / "examples" / "selfcheck").is_dir()


def test_zephyr_has_what_its_schema_wants(libraries):
    """zephyr/module.yml by METADATA_SCHEMA of Zephyr's own script, line by line: no YAML is needed for it."""
    library = libraries / "zephyr" / "kws"
    module = (library / "zephyr" / "module.yml").read_text()
    assert module == "name: kws\nbuild:\n  cmake: .\n  kconfig: Kconfig\nsamples:\n  - samples\n"
    assert (library / "CMakeLists.txt").is_file() and (library / "samples" / "selfcheck" / "sample.yaml").is_file()
    (option,) = re.findall(r"^config (\w+)\n\tbool ", (library / "Kconfig").read_text(), re.M)
    assert f"if(CONFIG_{option})" in (library / "CMakeLists.txt").read_text()
    assert f"CONFIG_{option}=y\n" in (library / "samples" / "selfcheck" / "prj.conf").read_text()


def test_esp_idf_has_room_for_two_slots(libraries):
    library = libraries / "esp-idf" / "kws"
    table = (library / "examples" / "selfcheck" / "partitions.csv").read_text()
    (size,) = re.findall(r"^mcuref, +data, 0x40, , (0x[0-9a-f]+)$", table, re.M)
    (saved,) = re.findall(r"#define SPOTTER_SAVED_BYTES (\d+)", (library / "src" / "spotter.h").read_text())
    assert int(size, 16) % 8192 == 0 and int(size, 16) >= 2 * (int(saved) + 32 + 24)


# -- what build systems say -----------------------------------------------------------------------------------------

# What pio asks the network for: which licences there are
PIO = """
import sys
from platformio.package.manifest.schema import ManifestSchema
ManifestSchema.load_spdx_licenses = staticmethod(lambda: {"licenses": [{"licenseId": "MIT"}]})
from platformio.__main__ import main
sys.exit(main(["pio", "pkg", "pack", "."]))
"""


def test_platformio_packs_it(libraries, tmp_path):
    shutil.copytree(libraries / "platformio" / "kws", tmp_path / "kws")
    python = Path(shutil.which(tool("pio")))
    environment = {
        "PATH": "/usr/bin:/bin",
        "PLATFORMIO_CORE_DIR": str(tmp_path),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    }
    call(python.with_name("python"), "-c", PIO, cwd=tmp_path / "kws", env=environment)
    assert [path.name for path in (tmp_path / "kws").glob("*.tar.gz")] == [f"kws-{mcuref.__version__}.tar.gz"]


def test_esp_idf_packs_it(libraries, tmp_path):
    shutil.copytree(libraries / "esp-idf" / "kws", tmp_path / "kws")
    call(tool("compote"), "component", "pack", "--project-dir", tmp_path / "kws", "--name", "kws")
    assert (tmp_path / "kws" / "dist" / f"kws_{mcuref.__version__}.tgz").is_file()


# -- what the examples do -------------------------------------------------------------------------------------------


def cmake(source, folder, *defines):
    """Configure and build; where things are then."""
    call(tool("cmake"), "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=MinSizeRel", *defines)
    call("cmake", "--build", folder, "--parallel", "2")
    return folder


def toolchain(folder, compiler, flags):
    """A toolchain file of a bare-metal compiler."""
    file = folder / "toolchain.cmake"
    lines = {
        "SYSTEM_NAME": "Generic", "SYSTEM_PROCESSOR": "any", "C_COMPILER": tool(compiler),
        "C_FLAGS_INIT": " ".join(flags), "TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
    }  # fmt: skip
    file.write_text("".join(f'set(CMAKE_{name} "{value}")\n' for name, value in lines.items()))
    return f"-DCMAKE_TOOLCHAIN_FILE={file}"


STRICT = f"-DCMAKE_C_FLAGS={' '.join(WARNINGS)}"


def built(layout, library, folder, *defines):
    """The example of a layout that CMake builds."""
    if layout == "cmake":
        return cmake(library, folder, *defines) / "examples" / "selfcheck" / "selfcheck"
    if layout == "zephyr":
        return (
            cmake(library / LAYOUTS[layout].example / "..", folder, f"-DZephyr_DIR={PLATFORMS / 'zephyr'}", *defines) / "app"
        )
    return cmake(library / LAYOUTS[layout].example / "..", folder, *defines) / "app"


@pytest.fixture
def idf(monkeypatch):
    """ESP-IDF's place."""
    monkeypatch.setenv("IDF_PATH", str(PLATFORMS / "esp_idf"))


@pytest.mark.parametrize("layout", ["zephyr", "esp-idf"])
def test_examples_for_a_platform_compute_the_same_bits(copied, tmp_path, idf, layout):
    library = copied(layout)
    assert looped(call(built(layout, library, tmp_path / "build", STRICT)))
    go_wrong(library)
    call("cmake", "--build", tmp_path / "build")
    assert looped(call(tmp_path / "build" / "app"), OTHER)


def test_the_example_of_cmake_computes_the_same_bits(copied, tmp_path):
    library = copied("cmake")
    example = built("cmake", library, tmp_path / "build", STRICT)
    lines = call(example).splitlines()
    assert lines[:2] == [SAME, "start: as exported"] and [n for n, line in enumerate(lines[2:]) if "saved" in line] == [4, 9]
    go_wrong(library)
    call("cmake", "--build", tmp_path / "build")
    other = subprocess.run([example], capture_output=True, text=True)
    assert other.returncode == 1 and other.stdout.startswith(OTHER)


@pytest.mark.parametrize("name", [
    name if name in ("int8, squared error", "inference", "rests") else pytest.param(name, marks=pytest.mark.slow)
    for name in PROGRAMS
])  # fmt: skip
def test_all_kinds_of_programs_come_with_an_example(tmp_path, name):
    write_library(PROGRAMS[name](), "cmake", tmp_path / "kws")
    library, example = tmp_path / "kws", tmp_path / "kws" / "examples" / "selfcheck"
    files = [*(library / "src").rglob("*.c"), *example.glob("*.c")]
    flags = ("-std=c99", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", *record.FLAGS, *WARNINGS, "-Wpedantic")
    call(tool("gcc"), *flags, f"-I{library / 'src'}", *files, "-o", tmp_path / "example")
    lines = call(tmp_path / "example").splitlines()
    words = {"int8, squared error": r"loss \d+", "reconstruction": r"loss, thousandths, \d+"}.get(name, r"found \d, is \d")
    done = "not trained" if "inference" in name else "trained"
    trained = "(trained|not trained|rested)" if "rests" in name else done
    assert any("rested" in line for line in lines) == ("rests" in name)
    assert lines[0] == SAME and all(re.fullmatch(rf"sample \d: {words}, {trained}(, saved)?", line) for line in lines[2:])


def sketch(layout, library, folder, compilers, flags=(), only=""):
    """{file: object file} of an example of Arduino, and of its library, by the flags of a board alone: -I is src."""
    folder.mkdir(exist_ok=True)
    example, arduino, objects = library / LAYOUTS[layout].example, PLATFORMS / "arduino", {}
    files = [*(library / "src").rglob("*.c"), *example.glob("*.c"), *example.glob("*.cpp"), *example.glob("*.ino")]
    for number, file in enumerate(file for file in [*files, *arduino.glob("*.cpp")] if file.as_posix().endswith(only)):
        c = file.suffix == ".c"
        language = ("-x", "c", "-std=gnu11") if c else ("-x", "c++", "-std=gnu++14", "-fno-exceptions", "-fno-rtti")
        objects[file] = folder / f"{number}-{file.name}.o"
        include = (f"-I{library / 'src'}", f"-I{arduino}")
        call(tool(compilers[0 if c else 1]), *language, "-Os", *flags, *WARNINGS, *include, "-c", file, "-o", objects[file])
    return objects


@pytest.mark.parametrize("layout", ["arduino", pytest.param("platformio", marks=pytest.mark.slow)])
def test_sketches_compute_the_same_bits(copied, tmp_path, layout):
    library, folder, compilers = copied(layout), tmp_path / "objects", ("gcc", "g++")
    objects = sketch(layout, library, folder, compilers)
    call("g++", *objects.values(), "-o", folder / "sketch")
    assert looped(call(folder / "sketch"))
    go_wrong(library)
    objects |= sketch(layout, library, folder, compilers, only="kernels/loss.c")
    call("g++", *objects.values(), "-o", folder / "sketch")
    assert looped(call(folder / "sketch"), OTHER)


def test_a_sketch_fits_a_board_of_arduino(libraries, tmp_path):
    """As the core of the Nano 33 BLE compiles it."""
    core = ("-mcpu=cortex-m4", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16", "-mthumb", "-ffunction-sections")
    compilers = ("arm-none-eabi-gcc", "arm-none-eabi-g++")
    objects = sketch("arduino", libraries / "arduino" / "kws", tmp_path / "objects", compilers, core)
    own = [made for file, made in objects.items() if file.name != "core.cpp"]
    call("arm-none-eabi-ld", "-r", *own, "-o", tmp_path / "sketch.o")
    wanted = call("arm-none-eabi-nm", "-u", tmp_path / "sketch.o").split()[1::2]
    assert {name for name in wanted if not name.startswith("__")} <= {
        "Serial", "_Z5delaym", "_Z6millisv", "_ZN7Printer5beginEm", "_ZN7Printer7printlnEPKc", "memcpy", "memmove", "memset",
    }  # fmt: skip


PUTS = "int puts(const char *text);\n"
PRINTING = (
    '#include "board/port.h"\n#include "stdio.h"\nint puts(const char *t) { return port_print(t), port_print("\\n"), 0; }\n'
)


@pytest.mark.parametrize("name, core", [
    ("int8", "m0"), pytest.param("int8", "rv32imac", marks=pytest.mark.slow),
    pytest.param("reconstruction", "m4f", marks=pytest.mark.slow),
])  # fmt: skip
def test_examples_compute_the_same_bits_on_emulated_boards(tmp_path, name, core):
    core = CORES[core]
    if missing(core):
        pytest.skip(missing(core))
    write_library(PROGRAMS[name](), "cmake", tmp_path / "kws")
    (tmp_path / "printing.c").write_text(PRINTING)
    (tmp_path / "stdio.h").write_text(PUTS)
    files = [*(tmp_path / "kws").rglob("*.c"), tmp_path / "printing.c", *board_sources(core)]
    (tmp_path / "objects").mkdir()
    made = compile_all(core, files, tmp_path / "objects", include=(tmp_path / "kws" / "src", SOURCES, tmp_path))
    lines = execute(core, link(core, made, tmp_path / "example.elf"), tmp_path).splitlines()
    assert lines[0] == SAME and len(lines) == 12 and lines[6].endswith(", trained, saved")


def test_the_library_of_cmake_links_for_a_cortex_m(libraries, tmp_path):
    chosen = toolchain(tmp_path, "arm-none-eabi-gcc", (*CORES["m4f"].flags, "-mthumb", "-specs=nosys.specs"))
    example = built("cmake", libraries / "cmake" / "kws", tmp_path / "build", chosen)
    assert "ARM" in call("arm-none-eabi-readelf", "-h", example)


@pytest.mark.slow
def test_the_module_of_zephyr_compiles_for_a_cortex_m(libraries, tmp_path):
    chosen = toolchain(tmp_path, "arm-none-eabi-gcc", (*CORES["m33"].flags, "-mthumb", "-specs=nosys.specs"))
    assert "ARM" in call(
        "arm-none-eabi-readelf", "-h", built("zephyr", libraries / "zephyr" / "kws", tmp_path / "b", chosen)
    )


def test_the_component_of_esp_idf_compiles_for_a_risc_v(libraries, tmp_path, idf):
    """As for an ESP32-C6; there is no C library for it here, so nothing is linked."""
    (tmp_path / "stdio.h").write_text(PUTS + "#define NULL 0\n")
    flags = ("-march=rv32imac", "-mabi=ilp32", "-ffreestanding", f"-isystem {tmp_path}")
    chosen = toolchain(tmp_path, "riscv64-unknown-elf-gcc", flags)
    source, build = libraries / "esp-idf" / "kws" / "examples" / "selfcheck", tmp_path / "build"
    call(tool("cmake"), "-S", source, "-B", build, chosen)
    call("cmake", "--build", build, "--parallel", "2", "--target", "main")
    assert list(build.rglob("libkws.a")) and list(build.rglob("libmain.a"))


def test_gcc_guesses_nothing_from_types_though_nobody_says_so(tmp_path):
    """Arduino's build sets no flag of a library: numerics.h does."""
    code = "int f(int *a, float *b);\nint f(int *a, float *b) { *a = 1; *b = 2.0f; return *a; }\n"
    header = f'#include "{SOURCES / "kernels" / "numerics.h"}"\n'
    for compiler in ("gcc", "arm-none-eabi-gcc"):
        texts = []
        for head, flags in ((header, ()), (header, ("-fno-strict-aliasing",)), ("", ())):
            (tmp_path / "f.c").write_text(head + code)
            texts.append(call(tool(compiler), "-std=c99", "-O2", *flags, "-S", tmp_path / "f.c", "-o", "-"))
        assert texts[0] == texts[1] != texts[2]


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout, name", [
    ("arduino", "_kws"), ("arduino", "k" * 64), ("arduino", "12"), ("arduino", "a b"), ("platformio", "a@b"),
    ("zephyr", "app"), ("zephyr", "a.b"), ("esp-idf", "a__b"), ("esp-idf", "a-"), ("esp-idf", "a.b"), ("esp-idf", "main"),
    ("cmake", "test"), ("cmake", "a b"), ("cmake", "selfcheck"),
])  # fmt: skip
def test_names_that_a_build_system_does_not_take(tmp_path, layout, name):
    with pytest.raises(InputError, match=f"^folder '{re.escape(name)}' cannot be a library for {LAYOUTS[layout].title}, "):
        write_library(material(), layout, tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_what_is_there_is_left_alone_and_unknown_systems_are_named(tmp_path):
    (tmp_path / "kws").mkdir()
    with pytest.raises(InputError, match="exists already|appeared meanwhile"):
        write_library(material(), "arduino", tmp_path / "kws")
    with pytest.raises(InputError, match="--library 'ardiuno' is not known; did you mean arduino"):
        write_library(material(), "ardiuno", tmp_path / "other")
    with pytest.raises(InputError, match="name 'int' is no name for a model in C"):
        write_library(material(), "arduino", tmp_path / "other", "int")
    assert [path.name for path in tmp_path.iterdir()] == ["kws"]
