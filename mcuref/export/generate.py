"""Write what follows from the operators' declarations: what runs them, in Python and C, and their page in the documentation.

    python -m mcuref.export.generate            # write the files
    python -m mcuref.export.generate --check    # exit status 1 if one is not as it would be written

Written are the wrappers that do nothing but unpack a row, the dispatch on opcodes, the prototypes of all wrappers in C, the
names of C's kernels, and docs/operators.md. All of it is committed: who reads or ships the sources needs no generator.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from mcuref.export.sources import SOURCES, in_c
from mcuref.files import new_file
from mcuref.operators import OPERATORS, int8, master, mixed, sample
from mcuref.operators.columns import IN, MORE, OUT, D, F
from mcuref.operators.operator import Operand, Operator

PACKAGE = Path(__file__).resolve().parents[1]
COMMAND = "python -m mcuref.export.generate"
WIDTH = 125  # of Python and C
C_TYPES = {"f32": "float", "u8": "uint8_t", "i8": "int8_t", "i32": "int32_t", "index": "mcuref_index"}
# What every wrapper in Python takes, and the types of mcuref.operations.views that these are
ARGUMENTS = {"row": "Row", "f": "Floats", "memory": "Memory", "host": "Host", "sample": "Sample", "counts": "Counts"}
PHASES = {  # what the opcodes of a phase have in common, for people
    "rest": "Whether a stored sample is shown at all",
    "input": "Bring a sample into the input buffer",
    "forward": "Forward",
    "loss": "The error at the outputs",
    "decision": "Whether a sample is trained",
    "selection": "Which entries of an error are trained",
    "effort": "What the way back spends of the effort",
    "propagate": "Errors on their way back",
    "restriction": "Which of these entries train weights",
    "update": "Updates of weights, and sums of gradients",
    "gradient": "Begin sums of gradients",
    "batch": "Count the samples of a batch",
    "apply": "Apply sums of gradients",
    "adapt": "Exponents of values follow what was seen",
}


def files() -> dict[Path, str]:
    """{path: text} of all that is written."""
    operators, texts = list(OPERATORS.values()), {}
    for module, mine in _modules([*operators, *sample.READING]):
        texts[PACKAGE / "operations" / f"{module}.py"] = python_wrappers(mine)
        texts[SOURCES / "operations" / f"{module}.c"] = c_wrappers(mine)
    others = [*(o for o in int8.OPERATORS if o.name not in OPERATORS), mixed.DEQUANTISE, *master.UPDATES]
    for module, mine in _modules(others):
        texts[PACKAGE / "operations" / f"{module}.py"] = python_wrappers(mine)
        if mine[0].name in in_c():
            texts[SOURCES / "operations" / f"{module}.c"] = c_wrappers(mine)
    texts[PACKAGE / "operations" / "dispatch.py"] = dispatch(operators)
    for family in (int8, mixed, master, sample):
        texts[PACKAGE / "operations" / family.__name__.rpartition(".")[2] / "dispatch.py"] = dispatch(family.OPERATORS)
    texts[SOURCES / "operations" / "operations.h"] = c_prototypes(list(in_c().values()))
    texts[SOURCES / "kernels" / "names.h"] = c_names()
    texts[PACKAGE.parent / "docs" / "operators.md"] = page([*operators, *sample.READING, *others])
    return texts


def _modules(operators: Sequence[Operator]) -> list[tuple[str, list[Operator]]]:
    """Modules of which all wrappers are written, with their operators."""
    modules = dict.fromkeys(operator.module for operator in operators if operator.arguments is not None)
    return [(module, [operator for operator in operators if operator.module == module]) for module in modules]


def _shared(operators: Sequence[Operator], written: Callable[[Operator], tuple[str, str]], call: str) -> list[str]:
    """Wrappers; of two that do the same the second calls the first. ``written`` gives (head, body)."""
    known: dict[str, str] = {}
    found = []
    for operator in operators:
        head, body = written(operator)
        found.append(head + (call.format(name=known[body]) if body in known else body))
        known.setdefault(body, operator.name)
    return found


# -- Python ------------------------------------------------------------------------------------------------------------


def python_wrappers(operators: Sequence[Operator]) -> str:
    """A module of mcuref/operations/: what runs operators whose kernels are in one file."""
    module = operators[0].module
    wrappers = _shared(operators, _python_wrapper, f"    return run_{{name}}({', '.join(ARGUMENTS)})\n")
    bodies = "".join(f"\n\n{wrapper}" for wrapper in wrappers)
    kernels = {operator.kernel for operator in operators}
    columns = {name for name in ("KEPT", "IN", "MORE", "OUT", "D", "F") if re.search(rf"\b{name}\b", bodies)}
    functions = ("f32", "i8", "i32", "indices", "of_sample", "rate", "u8", "words")
    views = {name for name in (*ARGUMENTS.values(), "GO_ON") if re.search(rf"\b{name}\b", bodies)}
    views |= {name for name in functions if re.search(rf"\b{name}\(", bodies)}
    numpy = "import numpy as np\n\n" if "np." in bodies else ""
    return (
        f'"""What runs the instructions of mcuref/kernels/{module}.py. Written by {COMMAND}."""\n\n{numpy}'
        + _imports(
            {
                "mcuref.kernels.jit": {"kernel"},
                f"mcuref.kernels.{module.replace('/', '.')}": kernels,
                "mcuref.operations.views": views,
                "mcuref.operators.columns": columns,
            }
        )
        + bodies
    )


def _imports(names: Mapping[str, Collection[str]]) -> str:
    """Lines that import names from modules, sorted as the formatter does: constants, classes, functions."""

    def place(name: str) -> tuple:
        parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
        return not (name.isupper() and len(name) > 1), not name[0].isupper(), parts

    return "".join(_import(module, sorted(names[module], key=place)) for module in sorted(names))


def _import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}\n"
    if len(line) <= WIDTH + 1:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def _python_wrapper(operator: Operator) -> tuple[str, str]:
    """(head, body) of what runs an operator."""
    columns = {name: _column("D", i) for i, name in enumerate(operator.dimensions)}
    operands = [operand for operand in (*operator.outputs, *operator.inputs) if operand.name != "count"]
    axes = [axis for operand in operands for axis in operand.axes]
    used = [name for name in operator.dimensions if any(re.search(rf"\b{name}\b", axis) for axis in axes)]
    lines = []
    if used:
        lines.append(_assignment(", ".join(used), [f"np.int64(row[{columns[name]}])" for name in used]))
    if "count" in operator.operands:
        lines.append(f"    count = i32(memory, row[{_operand_column(operator, 'count')}])")
        lines.append("    counts[KEPT] += count")
    views = [_python_view(operator, operand) for operand in operands]
    lines += [_call(operator.kernel, views + _python_arguments(operator, columns)), "    return GO_ON"]
    head = _head(f"run_{operator.name}")
    return f'{head}    """{_in_lines(operator.signature)}."""\n', "\n".join(lines) + "\n"


def _in_lines(signature: str) -> str:
    """What an operator takes and gives, in lines of a docstring."""
    if len(signature) < 100:
        return signature
    parts = signature.replace(" from ", "\nfrom ").splitlines()
    return "\n    ".join(line for part in parts for line in textwrap.wrap(part, WIDTH - 8))


def _head(name: str) -> str:
    """The decorator and the first lines of a wrapper, laid out as the formatter does."""
    arguments = ", ".join(f"{argument}: {kind}" for argument, kind in ARGUMENTS.items())
    line = f"def {name}({arguments}) -> int:\n"
    if len(line) > WIDTH + 1:
        line = f"def {name}(\n    {arguments}\n) -> int:\n"
    return f"@kernel(inlined=True)\n{line}"


def _python_view(operator: Operator, operand: Operand) -> str:
    kind = {"index": "indices", "i32": "words"}.get(operand.type, operand.type)
    count = " * ".join(operand.axes) or "count"
    if operand.outside:
        return f"of_sample(host.samples_{operand.type}, sample, {count})"
    return f"{kind}(memory, row[{_operand_column(operator, operand.name)}], {count})"


def _python_arguments(operator: Operator, columns: dict[str, str]) -> list[str]:
    found = []
    for name in operator.arguments or ():
        if name == "g":
            found.append("row[D:F]")
        elif name == "sample_rate":
            found.append("sample.rate")
        elif name in operator.constants and operator.constant_types[operator.constants.index(name)] == "i32":
            found.append(f"row[{_column('F', operator.constants.index(name))}]")
        elif name in operator.constants:
            own = f"f[{operator.constants.index(name)}]"
            found.append(f"rate({own}, sample)" if name == "rate" else own)
        else:
            found.append(f"row[{columns[name]}]")
    return found


def _column(first: str, i: int) -> str:
    return first if i == 0 else f"{first} + {i}"


def _operand_column(operator: Operator, name: str) -> str:
    """The column of an operand, as a wrapper in Python writes it."""
    column = operator.columns[name]
    if column in MORE:
        return f"MORE[{MORE.index(column)}]"
    return _column("OUT", column - OUT) if column < IN else _column("IN", column - IN)


def _assignment(targets: str, values: Sequence[str]) -> str:
    line = f"    {targets} = {', '.join(values)}"
    if len(line) <= WIDTH:
        return line
    return f"    {targets} = (\n" + "".join(f"        {value},\n" for value in values) + "    )"


def _call(function: str, arguments: Sequence[str]) -> str:
    """A statement that calls a function, laid out as the formatter does."""
    line = f"    {function}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return line
    inner = f"        {', '.join(arguments)}"
    if len(inner) <= WIDTH:
        return f"    {function}(\n{inner}\n    )"
    return f"    {function}(\n" + "".join(f"        {argument},\n" for argument in arguments) + "    )"


def dispatch(operators: Sequence[Operator]) -> str:
    """The module that runs a row by its opcode: a tree of comparisons."""
    modules: dict[str, set[str]] = {
        "mcuref.kernels.jit": {"kernel"},
        "mcuref.operations.views": {"OUTSIDE", *ARGUMENTS.values()},
        "mcuref.operators.columns": {"FIRST_OUTSIDE", "OPCODE"},
    }
    for operator in operators:
        modules.setdefault(f"mcuref.operations.{operator.module.replace('/', '.')}", set()).add(f"run_{operator.name}")
    tree = "\n".join(_tree(sorted(operators, key=lambda operator: operator.number), 1))
    return (
        f'"""Which operation runs a row: a tree of comparisons with its opcode. Written by {COMMAND}."""\n\n'
        + f"{_imports(modules)}\n\n"
        + _head("run")
        + '    """Run a row; returns what comes next: GO_ON, JUMP or END, or OUTSIDE where it is not known here."""\n'
        f"    opcode = row[OPCODE]\n    if opcode >= FIRST_OUTSIDE:\n        return OUTSIDE\n{tree}\n"
    )


def _tree(operators: Sequence[Operator], depth: int) -> list[str]:
    indent = "    " * depth
    if len(operators) == 1:
        return [f"{indent}return run_{operators[0].name}({', '.join(ARGUMENTS)})"]
    middle = len(operators) // 2
    return [
        f"{indent}if opcode < {operators[middle].number}:",
        *_tree(operators[:middle], depth + 1),
        *_tree(operators[middle:], depth),
    ]


# -- C -----------------------------------------------------------------------------------------------------------------


def c_wrappers(operators: Sequence[Operator]) -> str:
    """A file of mcuref/export/c/operations/: the twin of :func:`python_wrappers`."""
    module = operators[0].module
    up = "../" * module.count("/")
    head = f'/* Written by {COMMAND}. */\n#include "{up}operations.h"\n\n#include "{up}../kernels/{module}.h"\n'
    wrappers = _shared(operators, _c_wrapper, "  return mcuref_run_{name}(row, run);\n}}\n")
    return head + "".join(f"\n{wrapper}" for wrapper in wrappers)


def _c_wrapper(operator: Operator) -> tuple[str, str]:
    """(head, body) of what runs an operator; pointers to several outputs and all inputs but the last come first.

    How many entries are kept is what a kernel is told where it gets a list of them.
    """
    lines, given = [], {}
    inputs = [operand for operand in operator.inputs if operand.name != "count"]
    for side, operands, named in (
        ("out", operator.outputs, operator.outputs if len(operator.outputs) > 1 else ()),
        ("in", inputs, inputs[:-1]),
    ):
        named = [o for o in named if not o.outside]
        places = {o.name: f"mcuref_{side}put(run, {_c_column(operator, o.name)})" for o in operands if not o.outside}
        given |= places | {o.name: o.name for o in named} | {o.name: "run->sample" for o in operands if o.outside}
        lines += _c_pointers(named, places, "const " * (side == "in"))
    names = [operand.name for operand in (*operator.outputs, *inputs)]
    if "count" in operator.operands and any(operand.type == "index" for operand in inputs):
        lines.append(f"  const int32_t *count = mcuref_input(run, {_c_column(operator, 'count')});")
        names, given["count"] = [*names, "count"], "*count"
    if "rate" in operator.constants:
        own = f"row->f[{operator.constants.index('rate')}].f32"
        lines.append(f"  const float rate = {own} == 0.0f ? run->rate.f32 : {own};")
        given["rate"] = "rate"
    constants = zip(operator.constants, operator.constant_types)
    given |= {name: f"row->f[{i}].{kind}" for i, (name, kind) in enumerate(constants) if name != "rate"}
    given |= {name: f"row->d[{i}]" for i, name in enumerate(operator.dimensions)}
    given |= {"g": "row->d", "sample_rate": "run->rate.i32"}
    arguments = [given[name] for name in (*names, *(operator.arguments or ()), *operator.sizes)]
    lines.append(_c_call(operator.kernel_in_c, arguments))
    head = f"mcuref_next mcuref_run_{operator.name}(const mcuref_row *row, mcuref_run *run) {{\n"
    return head, "\n".join(lines) + "\n  return MCUREF_GO_ON;\n}\n"


def _c_call(function: str, arguments: Sequence[str]) -> str:
    """A statement that calls a function, in lines that are short enough."""
    begin = f"  {function}("
    lines = textwrap.wrap(f"{', '.join(arguments)});", WIDTH - len(begin), break_long_words=False)
    return begin + ("\n" + " " * len(begin)).join(lines)


def _c_column(operator: Operator, name: str) -> str:
    """The column of an operand, as a wrapper in C writes it."""
    column = operator.columns[name]
    if column < OUT:
        return "row->reserved"
    if column < IN:
        return f"row->out[{column - OUT}]"
    if column < D:
        return f"row->in[{column - IN}]"
    return f"row->d[{column - D}]" if column < F else f"row->f[{column - F}].i32"


def _c_pointers(operands: Sequence[Operand], places: dict[str, str], const: str) -> list[str]:
    """Declarations of pointers, those of one type in one line, or a line each where that is too long."""
    kinds: dict[str, list[str]] = {}
    for operand in operands:
        kinds.setdefault(C_TYPES[operand.type], []).append(operand.name)
    lines = []
    for kind, names in kinds.items():
        declared = [f"*{name} = {places[name]}" for name in names]
        together = f"  {const}{kind} {', '.join(declared)};"
        lines += [together] if len(together) <= WIDTH else [f"  {const}{kind} {one};" for one in declared]
    return lines


def c_prototypes(operators: Sequence[Operator]) -> str:
    """operations/operations.h."""
    lines = "".join(f"mcuref_next mcuref_run_{o.name}(const mcuref_row *row, mcuref_run *run);\n" for o in operators)
    return (
        "/* What runs each instruction: finds its operands and dimensions in a row of the table and calls the kernel.\n"
        f" * Written by {COMMAND}. */\n"
        "#ifndef MCUREF_OPERATIONS_H\n#define MCUREF_OPERATIONS_H\n\n"
        f'#include "../program/program.h"\n\n{lines}\n#endif\n'
    )


def c_names() -> str:
    """kernels/names.h: the functions that the headers of C's kernels declare."""
    names: set[str] = set()
    for path in (SOURCES / "kernels").rglob("*.h"):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        names.update(re.findall(r"^(?!static|typedef)[a-z]\w*[ *]+(\w+)\(", code, re.M))
    return (
        "/* Symbols of the kernels begin with mcuref_, so that they meet none of your firmware's; here they have the names "
        f"of their\n * twins in Python. Every header of a kernel includes this. Written by {COMMAND}. */\n"
        "#ifndef MCUREF_NAMES_H\n#define MCUREF_NAMES_H\n\n"
        + "".join(f"#define {name} mcuref_{name}\n" for name in sorted(names))
        + "\n#endif\n"
    )


# -- documentation -------------------------------------------------------------------------------------------------------


def page(operators: Sequence[Operator]) -> str:
    """docs/operators.md: every operator with its operands, dimensions, constants and multiply-accumulates."""
    phases = dict.fromkeys(operator.phase for operator in operators)
    return PAGE_HEAD + "".join(
        f"\n## {PHASES[phase]}\n\n" + _table([operator for operator in operators if operator.phase == phase])
        for phase in phases
    )


def _table(operators: Sequence[Operator]) -> str:
    rows = ["| opcode | operator | outputs | inputs | dimensions; constants | MACs |", "|--:|---|---|---|---|---|"]
    for o in operators:
        columns = [
            str(o.number), f"`{o.name}`", *(", ".join(f"`{operand}`" for operand in side) for side in (o.outputs, o.inputs)),
            " ".join(o.dimensions) + f"; {' '.join(o.constants)}" * bool(o.constants),
            "" if o.macs == "0" else o.macs.replace("*", "×"),
        ]  # fmt: skip
        rows.append(f"| {' | '.join(columns)} |")
    notes = dict.fromkeys(o.note for o in operators if o.note)
    said = "".join(f"\n{', '.join(f'`{o.name}`' for o in operators if o.note == note)}: {note}.\n" for note in notes)
    return "\n".join(rows) + "\n" + said


PAGE_HEAD = f"""# Operators

<!-- Written by {COMMAND}. -->

A program is a table, int32[rows, 32], one row an instruction: opcode, layer, the row to jump to, a reserved column, three
outputs, five inputs, fourteen dimensions and the bits of six constants. Operands are byte offsets into the arena
[SRAM | flash], -1 for none. What they are stands below, for each operator in the order of its columns: type (float32 if none
is said), name and shape, `?` for what may be missing, `index` for uint16 or uint32. Numbers of opcodes never change.

`H W C HO WO O KH KW SH SW TOP LEFT` is the geometry of a window: height, width and channels of the input and of the output,
size, strides, and padding above and to the left. MACs are multiply-accumulates of so many runs, in which so many entries
were kept.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or check them; returns the exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write what follows from the operators' declarations.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is not as it would be written")
    check = parser.parse_args(arguments).check
    stale = [
        (path, text) for path, text in files().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        print(path.relative_to(PACKAGE.parent))
        if not check:
            with new_file(path) as part:
                part.write_text(text, encoding="utf-8")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
