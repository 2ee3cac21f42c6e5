"""Compiling C and running it, here or on an emulated board. Failures are one sentence, with the tool's own message."""

import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from mcuref.errors import McurefError
from mcuref.export.cores import FLAGS, WARNINGS, Core, linked
from mcuref.export.sources import LINKER_SCRIPT

PACKAGES = {
    "gcc": "gcc", "clang": "clang", "make": "make", "nm": "binutils",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "qemu-aarch64": "qemu-user",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi", "qemu-system-arm": "qemu-system-arm",
    "arm-none-eabi-nm": "binutils-arm-none-eabi", "arm-none-eabi-objdump": "binutils-arm-none-eabi",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf", "qemu-system-riscv32": "qemu-system-misc",
    "riscv64-unknown-elf-nm": "binutils-riscv64-unknown-elf",
    "riscv64-unknown-elf-objcopy": "binutils-riscv64-unknown-elf",
    "riscv64-unknown-elf-objdump": "binutils-riscv64-unknown-elf",
}  # fmt: skip
SECONDS = 300  # that a firmware may run
REFUSALS, FAULT = (2, 3), 99  # exit statuses of verify/, and of the handler of faults in board/startup.c
MOST_PRINTED = 1 << 24  # characters, of a tool or firmware


class ToolError(McurefError):
    """A compiler, linker or emulator is missing or failed."""


class Failed(ToolError):
    """A program ended in another way than it should.

    Attributes
    ----------
    status : its exit status, the negative number of the signal that ended it, or None if it was stopped after its time.
    how : str, the same in words, with what it printed.
    """

    def __init__(self, name: str, status: int | None, how: str) -> None:
        super().__init__(f"{name} {how}")
        self.status, self.how = status, how


class FirmwareStopped(ToolError):
    """A firmware crashed or did not end.

    Attributes
    ----------
    how : str, in words.
    answer : bytes of answer.bin that it had written.
    """

    def __init__(self, how: str, answer: bytes) -> None:
        super().__init__(f"the firmware {how}")
        self.how, self.answer = how, answer


class DoesNotFit(ToolError):
    """A board has too little memory for a firmware."""


def find_tool(name: str) -> str:
    """Path of a program; ToolError says which package brings it."""
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"{name} is not installed; Debian and Ubuntu have it in: apt-get install {PACKAGES[name]}")
    return path


def missing(core: Core) -> str | None:
    """The sentence that says what is missing to build for a core and run it there, or None."""
    try:
        for tool in tools(core):
            find_tool(tool)
    except ToolError as error:
        return str(error)
    return None


def tools(core: Core) -> list[str]:
    """Names of the programs that build for a core and run it there."""
    return list(dict.fromkeys((core.compiler, core.linker, *core.emulator[:1])))


def version(core: Core) -> str:
    """Name and version of a core's compiler, such as "arm-none-eabi-gcc 12.2.1"."""
    text = call([find_tool(core.compiler), "-dumpfullversion", "-dumpversion"])  # clang has the second alone
    return f"{core.compiler} {text.strip()}"


def call(command: Sequence[str | Path], folder: Path | None = None, seconds: float = SECONDS, what: str = "command") -> str:
    """Run a program to its end; returns what it printed. ToolError with its own message if it fails or hangs."""
    with workspace() as scratch:  # a compiler that is stopped leaves files behind
        return _call(list(map(str, command)), folder, seconds, f"{what} {Path(command[0]).name}", scratch)


def _call(command, folder, seconds, name, scratch):
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS")}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment | {"TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
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
        raise Failed(name, None, f"did not end within {seconds} seconds and was stopped")
    if process.returncode:
        said = " ".join(text.split())[:2000] or "it said nothing"
        raise Failed(name, process.returncode, f"{_ending(process.returncode)}: {said}")
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
def workspace() -> Iterator[Path]:
    """A folder for what is built, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcuref-") as folder:
        yield Path(folder)


def compile_all(
    core: Core, sources: Sequence[Path], folder: Path, flags: Sequence[str] = (), include: Sequence[Path] = ()
) -> list[Path]:
    """Compile C files, as many at once as there are processors; returns the object files in ``folder``."""
    included = [f"-I{path}" for path in include]
    compiler = find_tool(core.compiler)
    objects = [folder / f"{source.parent.parent.name}-{source.parent.name}-{source.stem}.o" for source in sources]

    def compile_one(pair):
        source, target = pair
        call(
            [compiler, *core.compiling, *FLAGS, *WARNINGS, "-Werror", *flags, *included, "-c", source, "-o", target],
            folder,
            what="compiler",
        )

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_one, zip(sources, objects)))
    return objects


def link(core: Core, objects: Sequence[Path], program: Path, flags: Sequence[str] = ()) -> Path:
    """Link object files to a program, for a board with the map of its sections beside it; returns its path."""
    command: list[str | Path] = [find_tool(core.linker), *core.linking, *FLAGS, *flags, *objects, "-o", program]
    if core.is_board:
        command.append(f"-Wl,-Map={program.name}.map")
    with explained(core):
        call([*command, *linked(core, str(LINKER_SCRIPT))], program.parent, what="linker")
    return program


@contextmanager
def explained(core: Core) -> Iterator[None]:
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


def execute(core: Core, program: Path, folder: Path, seconds: float = SECONDS, plugin: str | None = None) -> str:
    """Run a program in ``folder``, where it finds and leaves its files; returns what it printed.

    ``plugin`` : name of a plugin of QEMU in ``folder``, with its arguments.
    """
    if not core.emulator:
        return call([program], folder, seconds, "program")
    name, *options = core.emulator
    if plugin is not None:
        options[:0] = ["-plugin", f"./{plugin}"]  # of a whole path a comma would end it
    return call([find_tool(name), *options, program], folder, seconds, "emulator")


def run_firmware(
    core: Core,
    firmware: Path,
    folder: Path,
    mode: int = 0,
    sample: int = -1,
    row: int = -1,
    pattern: int = 0,
    plugin: str | None = None,
    seconds: float = SECONDS,
) -> tuple[bytes, bytes]:
    """Run a firmware with verify/trace.c in it; returns what it wrote: (answer, dump) as bytes.

    ``mode``: of :mod:`mcuref.firmware.answer`; ``sample``, ``row``: whose outputs to dump, or -1; ``pattern``: of the first
    sample's watched rows. FirmwareStopped if it crashes or does not end.
    """
    (folder / "request.bin").write_bytes(struct.pack("<4i", mode, sample, row, pattern))
    answer, dump = folder / "answer.bin", folder / "dump.bin"
    for path in (answer, dump):
        path.unlink(missing_ok=True)
    try:
        execute(core, firmware, folder, seconds, plugin)
    except Failed as error:
        if not answer.exists() or error.status in REFUSALS:
            raise
        raise FirmwareStopped(_crash(core, error), answer.read_bytes()) from None
    if not answer.exists():
        raise ToolError(f"the firmware {firmware.name} wrote no trace")
    return answer.read_bytes(), dump.read_bytes() if dump.exists() else b""


def _crash(core, error):
    """What a :class:`Failed` run of a firmware says about it, in words."""
    if not core.is_board or error.status is None:
        return error.how
    return "ran into a fault" if error.status == FAULT else "locked up" if error.status < 0 else error.how
