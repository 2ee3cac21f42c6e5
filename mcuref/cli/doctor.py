"""Check this installation: versions, folders, kernels, and that this machine computes the bits it should.

Exit status 1 if a check fails.
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, show

MISSING = "not installed"


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    options.add_json(parser)


def run(arguments: Namespace) -> int:
    """Check, print, write; 1 if something is wrong."""
    from mcuref.files import check_outputs, write_json
    from mcuref.report.lists import checks_tables

    check_outputs(arguments.json)
    prepare_kernels()
    checks = list(_checks())
    show(*checks_tables(checks))
    if arguments.json is not None:
        rows = [{"check": what, "ok": ok, "found": found} for what, ok, found in checks]
        write_json(arguments.json, {"schema": "mcuref.doctor/1", "checks": rows})
    return 0 if all(ok is not False for _, ok, _ in checks) else 1


def _checks():
    """(what, ok, found) of everything."""
    import platform
    import sys

    from mcuref.datasets import available
    from mcuref.datasets.registry import data_folder
    from mcuref.export.cores import CORES
    from mcuref.kernels.jit import STORE
    from mcuref.selfcheck import GOLDEN, LOSSES, fingerprint
    from mcuref.version import __version__

    yield "Python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.machine()}"
    yield "mcuref", True, __version__
    for package in ("numpy", "numba", "rich"):
        yield package, True, _version(package)
    for package in ("tflite", "ai-edge-litert", "hypothesis", "matplotlib", "torch"):
        found = _version(package)
        yield f"{package} (optional)", None if found == MISSING else True, found
    for core in (CORES[name] for name in ("host", "m4f", "rv32imac", "arm64", "clang", "m4f-clang")):
        yield f"firmware for {core.title} (optional)", *_compiler(core)
    failure = f" {STORE.failure}; every start compiles anew" if STORE.failure else ""
    yield "kernel cache", not failure, f"{STORE.folder}{failure}"
    here = ", ".join(row.name for row in available() if row.present)
    yield "data folder", True, f"{data_folder()}; here: {here}"
    for method in GOLDEN:
        for what, found, right in zip(("bits", "losses"), fingerprint(method), (GOLDEN[method], LOSSES[method])):
            yield f"{what} of {method}", found == right, f"{found:08x}" + ("" if found == right else f", not {right:08x}")


def _compiler(core):
    """(ok, found) of what builds for a core and runs it: None if it is missing, False if it is there and fails."""
    from mcuref.firmware.toolchain import ToolError, missing, version

    lacking = missing(core)
    if lacking:
        return None, lacking
    try:
        return True, version(core)
    except ToolError as error:
        return False, str(error)


def _version(package):
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return MISSING
