"""Verify that an exported project computes, on a core, exactly what mcuref computes: every instruction, every byte.

A copy of it is built with its own Makefile and run, here or in QEMU: do not verify the project of somebody you do not
trust. If anything differs, if an instruction reads or writes what is none of its operands, or if the firmware crashes or
does not end, the exit status is 1 and the first such instruction is told. Files that were changed since the export are
named; those in reference/ must not be. With more than one core, boards that are too small for it are left out.

  mcuref verify firmware/ --core host           this computer
  mcuref verify firmware/ --core m4f            a Cortex-M4F, emulated
  mcuref verify firmware/ --core m4f --profile  and exact instruction counts
  mcuref verify firmware/ --core m0,rv32imac    one after the other; or all
  mcuref verify --conformance --core m4f        all operations, rules and sizes
"""

from argparse import ArgumentParser, Namespace

from mcuref.arguments import one_of
from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, show
from mcuref.export.cores import CORES
from mcuref.firmware.toolchain import SECONDS
from mcuref.memory.targets import CORE_NAMES


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="the folder that mcuref export --c made")
    parser.add_argument(
        "--core",
        default="host",
        metavar="NAMES",
        help=f"some of {', '.join(CORES)}, with commas between them, or all; default host",
    )
    parser.add_argument("--conformance", action="store_true", help="run the conformance list instead of a project")
    parser.add_argument("--profile", action="store_true", help="count instructions, exactly, per kernel")
    parser.add_argument(
        "--timeout",
        type=options.whole(1, 86400),
        default=SECONDS,
        metavar="S",
        help=f"seconds that a firmware may run; default {SECONDS}",
    )
    options.add_wide(parser)
    options.add_json(parser)


def run(asked: Namespace) -> int:
    """Verify, print, write; 1 if anything differs."""
    from mcuref.errors import InputError
    from mcuref.files import check_outputs, write_json
    from mcuref.firmware.toolchain import DoesNotFit, ToolError
    from mcuref.report.firmware import changed_line, verification_tables

    if asked.conformance == (asked.project is not None):
        raise InputError("name an exported project, such as firmware/, or give --conformance; one of the two")
    if asked.profile and asked.conformance:
        raise InputError("--profile counts the instructions of a project; the conformance list has none to count")
    cores = _cores(asked.core)
    for core in cores if asked.profile else ():
        if not core.is_board:
            raise InputError(
                f"--profile counts instructions on emulated boards; core {core.name!r} is none: name another, such as m4f"
            )
    check_outputs(asked.json)
    changed = [] if asked.conformance else _changed(asked.project)
    if changed:
        show(changed_line(changed))
    results, failures = [], []
    for arithmetic in _arithmetics(asked):
        prepare_kernels(arithmetic)
    for core in cores:
        try:
            result = _conformance(core, asked.timeout) if asked.conformance else _project(asked, core)
        except ToolError as error:
            if len(cores) == 1:
                raise
            result = {"core": core.name, "equal": None, "failure": str(error)}
            failures += [] if isinstance(error, DoesNotFit) else [error]
        show(*verification_tables(result), wide=asked.wide)
        results.append(result)
    equal = all(result["equal"] is not False for result in results)
    if asked.json is not None:
        head = {"schema": "mcuref.verify/1", "equal": equal and not failures, "changed_files": changed}
        write_json(asked.json, head | {"cores": results})
    if equal and failures:
        raise failures[0]
    return 0 if equal else 1


def _cores(names):
    """The cores that are asked for, each once."""
    asked = {one_of("core", name, (*CORES, "all"), also=CORE_NAMES): None for name in names.split(",")}
    return [CORES[name] for name in (CORES if "all" in asked else asked)]


def _arithmetics(asked):
    """Those of what is compared."""
    if not asked.conformance:
        from mcuref.firmware.projects import read_project

        return [read_project(asked.project).program.arithmetic]
    from mcuref.program.arithmetic.float32 import FLOAT32
    from mcuref.program.arithmetic.int8 import INT8
    from mcuref.program.arithmetic.mixed import MIXED
    from mcuref.program.arithmetic.sample import IN_PLACE

    return [FLOAT32, IN_PLACE, INT8, MIXED]


def _changed(project):
    """Names of files that are not as they were exported."""
    from mcuref.firmware.projects import changed_files

    return changed_files(project)


def _project(asked, core):
    """Result of one project on one core, plain data."""
    from mcuref.firmware.projects import profile_project, verify_project

    result = verify_project(asked.project, core.name, asked.timeout).as_dict()
    if asked.profile:
        result["profile"] = profile_project(asked.project, core.name, asked.timeout)
    return result


def _conformance(core, seconds):
    """Result of the conformance list on one core, plain data."""
    from mcuref.firmware.cases import run_conformance
    from mcuref.firmware.toolchain import version

    outcomes = run_conformance(core.name, seconds)
    failures = [{"case": name} | difference.as_dict() for name, difference in outcomes if difference is not None]
    return {
        "core": core.name,
        "compiler": version(core),
        "equal": not failures,
        "cases": len(outcomes),
        "differences": failures,
    }
