"""The layouts of libraries: which build files each build system wants, and where the example lies."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcuref.export.libraries.record import AUTHORS, FLAGS, HOMEPAGE, KEYWORDS, LICENSE, Record

EXAMPLE = "selfcheck"
BLOCK = 4096  # bytes that an ESP32's flash erases at once
COMMON = {"steps.c": "steps.c", "steps.h": "steps.h", "keep.h": "keep.h"}  # of the example, whatever the platform


@dataclass(frozen=True)
class Layout:
    """A build system's layout.

    Attributes
    ----------
    title : str, of the build system.
    names : str, pattern of the names that it takes for a library, which is the folder's.
    said : str, the same in words.
    example : str, folder of the example's C files, samples among them.
    files : {name there: name in c/example} of the example's C files.
    build : function of a :class:`Record` that gives {path: text} of the build files.
    check : str, the commands that check the library and build its example; {name} is the library's.
    use : str, how a firmware comes to have it; also {option}, its option in Kconfig.
    """

    title: str
    names: str
    said: str
    example: str
    files: Mapping[str, str]
    build: Callable[[Record], dict[str, str]]
    check: str
    use: str

    def takes(self, name: str) -> bool:
        """Whether a library may be called so."""
        return re.fullmatch(self.names, name) is not None


def _arduino(record):
    """library.properties, as the specification of libraries, revision 2.2, has it."""
    properties = {
        "name": record.name,
        "version": record.version,
        "author": AUTHORS,
        "maintainer": AUTHORS,
        "sentence": record.sentence,
        "paragraph": "Made by mcuref. The example compares the board's arithmetic with mcuref's, bit by bit.",
        "category": "Data Processing",
        "url": HOMEPAGE,
        "architectures": "*",
        "includes": f"{record.model}.h",
        "dot_a_linkage": "true",
    }
    return {"library.properties": "".join(f"{key}={value}\n" for key, value in properties.items())}


def _platformio(record):
    """library.json, and an example that is a project of its own."""
    example = f"examples/{EXAMPLE}"
    content = {
        "name": record.name,
        "version": record.version,
        "description": record.sentence,
        "keywords": list(KEYWORDS),
        "authors": [{"name": AUTHORS}],
        "homepage": HOMEPAGE,
        "license": LICENSE,
        "frameworks": "*",
        "platforms": "*",
        "headers": f"{record.model}.h",
        "build": {"flags": list(FLAGS)},
        "examples": [{"name": EXAMPLE, "base": example, "files": ["platformio.ini", "src/main.cpp"]}],
    }
    project = f"""\
; pio run, here: -e and the name of a board below; others are added in the same way
[env]
framework = arduino
lib_deps = {record.name}=symlink://../..
monitor_speed = 115200

[env:nano33ble]
platform = nordicnrf52
board = nano33ble

[env:esp32-c3-devkitm-1]
platform = espressif32
board = esp32-c3-devkitm-1
"""
    return {"library.json": json.dumps(content, indent=2) + "\n", f"{example}/platformio.ini": project}


def _zephyr(record):
    """A module of Zephyr: zephyr/module.yml, CMakeLists.txt, Kconfig, and a sample."""
    module = f"name: {record.name}\nbuild:\n  cmake: .\n  kconfig: Kconfig\nsamples:\n  - samples\n"
    fast = "Where the core has an FPU, CONFIG_FPU makes float32 fast; the bits are the same without."
    kconfig = f'config {record.option}\n\tbool "{record.title}, by mcuref"\n\thelp\n\t  {record.sentence}\n\t  {fast}\n'
    cmake = f"""\
if(CONFIG_{record.option})
  zephyr_include_directories(src)
  zephyr_library_named({record.name})
  zephyr_library_compile_options({" ".join(FLAGS)})
  zephyr_library_sources(
{_listed(record)})
endif()
"""
    sample = f"""\
cmake_minimum_required(VERSION 3.20)
list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})
project({EXAMPLE} LANGUAGES C)
target_sources(app PRIVATE src/main.c src/steps.c src/keep.c src/samples.c)
"""
    prj = f"""\
CONFIG_{record.option}=y
CONFIG_MAIN_STACK_SIZE=4096
# Of keep.c, which saves into storage_partition
CONFIG_FLASH=y
CONFIG_FLASH_MAP=y
CONFIG_FLASH_PAGE_LAYOUT=y
"""
    verdict = f"""\
sample:
  name: {record.name}
common:
  harness: console
  harness_config:
    type: one_line
    regex:
      - "self-check: the bits of mcuref"
tests:
  mcuref.{record.name}.{EXAMPLE}: {{}}
"""
    folder = f"samples/{EXAMPLE}"
    return {
        "zephyr/module.yml": module,
        "Kconfig": kconfig,
        "CMakeLists.txt": cmake,
        f"{folder}/CMakeLists.txt": sample,
        f"{folder}/prj.conf": prj,
        f"{folder}/sample.yaml": verdict,
    }


def _esp_idf(record):
    """A component: idf_component.yml, CMakeLists.txt, and an example that is a project of its own."""
    manifest = f"""\
version: "{record.version}"
description: "{record.sentence}"
url: {HOMEPAGE}
license: {LICENSE}
dependencies:
  idf: ">=5.0"
"""
    component = f"""\
idf_component_register(
  SRCS
{_listed(record)}  INCLUDE_DIRS src)
target_compile_options(${{COMPONENT_LIB}} PRIVATE {" ".join(FLAGS)})
"""
    project = f"""\
cmake_minimum_required(VERSION 3.16)
set(EXTRA_COMPONENT_DIRS ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({EXAMPLE})
"""
    main = f"""\
idf_component_register(
  SRCS main.c steps.c keep.c samples.c
  INCLUDE_DIRS .
  PRIV_REQUIRES {record.name} esp_partition)
"""
    half = -(-record.slot // BLOCK) * BLOCK
    partitions = f"""\
# Name, Type, SubType, Offset, Size
nvs,     data, nvs,  , 0x6000
factory, app,  factory, , 1M
mcuref,  data, 0x40, , {2 * half:#x}
"""
    settings = """\
CONFIG_PARTITION_TABLE_CUSTOM=y
CONFIG_PARTITION_TABLE_CUSTOM_FILENAME="partitions.csv"
CONFIG_ESP_MAIN_TASK_STACK_SIZE=8192
"""
    folder = f"examples/{EXAMPLE}"
    return {
        "idf_component.yml": manifest,
        "CMakeLists.txt": component,
        f"{folder}/CMakeLists.txt": project,
        f"{folder}/main/CMakeLists.txt": main,
        f"{folder}/partitions.csv": partitions,
        f"{folder}/sdkconfig.defaults": settings,
    }


def _cmake(record):
    """A static library as a target; its example is built if this is the topmost project."""
    library = f"""\
cmake_minimum_required(VERSION 3.16)
project({record.name} VERSION {record.version} LANGUAGES C)

add_library({record.name} STATIC
{_listed(record)})
target_include_directories({record.name} PUBLIC src)
target_compile_features({record.name} PUBLIC c_std_99)
target_compile_options({record.name} PRIVATE $<$<C_COMPILER_ID:GNU,Clang,AppleClang,ARMClang>:{";".join(FLAGS)}>)

if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  add_subdirectory(examples/{EXAMPLE})
endif()
"""
    example = f"""\
add_executable({EXAMPLE} main.c steps.c keep.c samples.c)
target_link_libraries({EXAMPLE} PRIVATE {record.name})
"""
    return {"CMakeLists.txt": library, f"examples/{EXAMPLE}/CMakeLists.txt": example}


def _listed(record):
    """The sources as lines of a CMakeLists.txt."""
    return "".join(f"    src/{source}\n" for source in record.sources)


def _files(main, text, keep):
    return {**COMMON, main: text, "keep.c": keep}


LAYOUTS = {
    "arduino": Layout(
        "Arduino",
        "(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
        "a letter or digit, then up to 62 letters, digits, _, . and -, a letter among them",
        f"examples/{EXAMPLE}",
        _files(f"{EXAMPLE}.ino", "selfcheck.ino", "keep_ram.c"),
        _arduino,
        f"arduino-cli compile --library . --fqbn arduino:mbed_nano:nano33ble examples/{EXAMPLE}",
        "To use it, copy this folder into libraries/ of the sketchbook; the example is in File > Examples > {name} then. A\n"
        "library of Arduino's cannot set flags: for gcc src/kernels/numerics.h does; clang needs -fno-strict-aliasing.",
    ),
    "platformio": Layout(
        "PlatformIO",
        "[A-Za-z0-9][A-Za-z0-9_. -]{0,99}",
        "a letter or digit, then up to 99 letters, digits, blanks, _, . and -",
        f"examples/{EXAMPLE}/src",
        _files("main.cpp", "selfcheck.ino", "keep_ram.c"),
        _platformio,
        f"pio pkg pack .; pio run -d examples/{EXAMPLE}",
        "To use it, copy this folder into lib/ of a project, or name it in platformio.ini: "
        "lib_deps = symlink:///path/to/{name}.",
    ),
    "zephyr": Layout(
        "Zephyr",
        "(?!(?:app|kernel|zephyr)$)[A-Za-z][A-Za-z0-9_-]{0,62}",
        "a letter, then up to 62 letters, digits, _ and -; app, kernel and zephyr are taken",
        f"samples/{EXAMPLE}/src",
        _files("main.c", "zephyr.c", "keep_zephyr.c"),
        _zephyr,
        f"west build -b nrf52840dk/nrf52840 samples/{EXAMPLE}",
        "To use it, give west build -- -DZEPHYR_EXTRA_MODULES=/path/to/{name}, and set CONFIG_{option}=y in prj.conf.",
    ),
    "esp-idf": Layout(
        "ESP-IDF",
        "(?!main$)(?=.{2,63}$)[A-Za-z0-9]+([_-][A-Za-z0-9]+)*",
        "2 to 63 letters and digits, single _ and - between them; main is taken",
        f"examples/{EXAMPLE}/main",
        _files("main.c", "esp_idf.c", "keep_esp_idf.c"),
        _esp_idf,
        f"compote component pack --name {{name}}; idf.py -C examples/{EXAMPLE} build",
        "To use it, copy this folder into components/ of a project; the component is called as the folder: REQUIRES {name}.",
    ),
    "cmake": Layout(
        "CMake",
        f"(?!(?:test|all|help|clean|install|package|edit_cache|rebuild_cache|{EXAMPLE})$)[A-Za-z][A-Za-z0-9_.+-]{{0,62}}",
        f"a letter, then up to 62 letters, digits, _, ., + and -; CMake's own targets and {EXAMPLE} are taken",
        f"examples/{EXAMPLE}",
        _files("main.c", "plain.c", "keep_ram.c"),
        _cmake,
        f"cmake -B build && cmake --build build && ./build/examples/{EXAMPLE}/{EXAMPLE}",
        "To use it: add_subdirectory({name}) and target_link_libraries(firmware PRIVATE {name}).",
    ),
}
