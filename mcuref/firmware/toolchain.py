"""Compiling C and running it, here or on an emulated board. Failures are one sentence, with the tool's own message."""

import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from mcuref.errors import McurefError
from mcuref.export.cores import BARE, EMULATOR, FLAGS, LINKED, WARNINGS, places
from mcuref.export.sources import LINKER_SCRIPT, include_folders

PACKAGES = {
    "gcc": "gcc", "make": "make", "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "nm": "binutils", "arm-none-eabi-nm": "binutils-arm-none-eabi", "arm-none-eabi-objdump": "binutils-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}  # fmt: skip
SECONDS = 300  # that a firmware may run
MOST_PRINTED = 1 << 24  # characters, of a tool or firmware


class ToolError(McurefError):
    """A compiler, linker or emulator is missing or failed."""


class DoesNotFit(ToolError):
    """A board has too little memory for a firmware."""


def find_tool(name):
    """Path of a program; ToolError says which package brings it."""
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"{name} is not installed; Debian and Ubuntu have it in: apt-get install {PACKAGES[name]}")
    return path


def missing(core):
    """The sentence that says what is missing to build for a core and run it there, or None."""
    try:
        find_tool(core.compiler)
        if not core.is_host:
            find_tool("qemu-system-arm")
    except ToolError as error:
        return str(error)
    return None


def version(core):
    """Name and version of a core's compiler, such as "arm-none-eabi-gcc 12.2.1"."""
    text = call([find_tool(core.compiler), "-dumpfullversion"])
    return f"{core.compiler} {text.strip()}"


def call(command, folder=None, seconds=SECONDS, what="command"):
    """Run a program to its end; returns what it printed. ToolError with its own message if it fails or hangs."""
    with workspace() as scratch:  # a compiler that is stopped leaves files behind
        return _call(list(map(str, command)), folder, seconds, f"{what} {Path(command[0]).name}", scratch)


def _call(command, folder, seconds, name, scratch):
    environment = {
        key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS")
    }
    process = subprocess.Popen(
        command, cwd=folder, env=environment | {"TMPDIR": str(scratch)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    stopped = threading.Event()
    timer = threading.Timer(seconds, lambda: (stopped.set(), _kill(process)))
    timer.start()
    try:
        text = process.stdout.read(MOST_PRINTED + 1)
        if len(text) > MOST_PRINTED:
            raise ToolError(f"{name} printed more than {MOST_PRINTED:,} characters and was stopped")
        process.wait()
    finally:
        timer.cancel()
        _kill(process)
        process.stdout.close()
    if stopped.is_set():
        raise ToolError(f"{name} did not end within {seconds} seconds and was stopped")
    if process.returncode:
        raise ToolError(f"{name} {_ending(process.returncode)}: {' '.join(text.split())[:2000] or 'it said nothing'}")
    return text


def _kill(process):
    """End what is still running of a process and of what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ending(status):
    """What a status says, in words."""
    return f"was stopped by {signal.Signals(-status).name}" if status < 0 else f"failed with status {status}"


@contextmanager
def workspace():
    """A folder for what is built, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcuref-") as folder:
        yield Path(folder)


def compile_all(core, sources, folder, flags=(), include=()):
    """Compile C files, as many at once as there are processors; returns the object files in ``folder``."""
    include = [f"-I{path}" for path in (*include, *include_folders())]
    compiler = find_tool(core.compiler)
    bare = () if core.is_host else BARE
    objects = [folder / f"{source.parent.name}-{source.stem}.o" for source in sources]

    def compile_one(pair):
        source, target = pair
        call([compiler, *core.flags, *FLAGS, *WARNINGS, "-Werror", *bare, *flags, *include, "-c", source, "-o", target],
             folder, what="compiler")  # fmt: skip

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_one, zip(sources, objects)))
    return objects


def link(core, objects, program, flags=()):
    """Link object files to a program, for a board with the map of its sections beside it; returns its path."""
    command = [find_tool(core.compiler), *core.flags, *FLAGS, *flags, *objects, "-o", program]
    if not core.is_host:
        command[1:1] = BARE
        command += ["-T", LINKER_SCRIPT, f"-Wl,-Map={program}.map", *places(core), *LINKED]
    with explained(core):
        call(command, program.parent, what="linker")
    return program


@contextmanager
def explained(core):
    """Turns the linker's word that a memory is too small into a sentence."""
    try:
        yield
    except ToolError as error:
        overflow = re.search(r"region `(\w+)' overflowed by (\d+) bytes", str(error))
        if overflow is None:
            raise
        name, size = ("RAM", core.ram[1]) if overflow[1] == "RAM" else ("flash", core.flash[1])
        raise DoesNotFit(
            f"core {core.name} cannot hold the firmware and its check: its board has {size:,} B of {name}, "
            f"{int(overflow[2]):,} B too few"
        ) from None


def execute(core, program, folder, seconds=SECONDS, plugin=None):
    """Run a program in ``folder``, where it finds and leaves its files; returns what it printed."""
    if core.is_host:
        return call([program], folder, seconds, "program")
    command = [find_tool(EMULATOR[0]), *EMULATOR[1:], "-M", core.machine]
    if plugin is not None:
        command += ["-plugin", plugin]
    return call([*command, "-kernel", program], folder, seconds, "emulator")


def run_firmware(core, firmware, folder, mode=0, sample=-1, row=-1, plugin=None, seconds=SECONDS):
    """Run a firmware with verify/trace.c in it; returns what it wrote: (answer, dump) as bytes.

    ``mode`` 0: row by row, 1: whole steps; ``sample``, ``row``: whose outputs to dump, or -1.
    """
    (folder / "request.bin").write_bytes(struct.pack("<3i", mode, sample, row))
    for name in ("answer.bin", "dump.bin"):
        (folder / name).unlink(missing_ok=True)
    execute(core, firmware, folder, seconds, plugin)
    answer, dump = folder / "answer.bin", folder / "dump.bin"
    if not answer.exists():
        raise ToolError(f"the firmware {firmware.name} wrote no trace")
    return answer.read_bytes(), dump.read_bytes() if dump.exists() else b""
