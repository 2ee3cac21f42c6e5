"""What the text of the sources says of itself: names of files and modules that exist, lines that fit a screen."""

import ast
import io
import re
import tokenize
from importlib import import_module
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
FOLDERS = ("mcuref", "tests", "data_scripts", "docs")
SOURCES = sorted(path for folder in FOLDERS for path in (TOP / folder).rglob("*.py"))
PAGES = sorted(path for path in TOP.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(TOP).parts))
THERE = {path.relative_to(TOP).as_posix() for folder in (*FOLDERS, "docs") for path in (TOP / folder).rglob("*")} | {
    path.name for path in TOP.iterdir()
}
ENDS = {"/".join(path.split("/")[i:]) for path in THERE for i in range(path.count("/") + 1)}  # under any folder
LONGEST = 125
NOT_OURS = {  # files of others, and those that a user or mcuref makes
    "anomaly_detection/common.py", "expf.c", "get_dataset.py", "idf.py", "logf.c",
    "mcuref/data", "my_model.toml", "my_network.toml", "tables.md", "settings.md",
    "model.c", "model.h", "samples.c", "samples.h", "NAME.h",
}  # fmt: skip
FILE = re.compile(
    r"(?<![\w/.{<*-])((?:[\w.-]+/)*[\w-]+\.(?:py|c|h|toml|md|sh|cfg)"
    r"|(?:mcuref|tests|data_scripts)/[\w/-]+(?:\.(?:csv|tflite|json|txt))?)(?!\w)"
)
MODULE = re.compile(r"(?<![\w/.])mcuref(?:\.[a-zA-Z_]\w*)+(?![\w/])")


def texts(path):
    """Comments and docstrings of a source, or the whole of another file, and of a source where that is beyond doubt."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py" or not missing_files(text) + missing_modules(text):
        return [text]
    found = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    return found + [ast.get_docstring(node) or "" for node in nodes]


def missing_files(text):
    """Names of files and folders in a text that are not there."""
    names = {name.rstrip("/").removesuffix(".").removeprefix("../") for name in FILE.findall(text)} - NOT_OURS
    return sorted(names - ENDS)


def missing_modules(text):
    """Dotted names in a text of what is neither a module nor in one."""
    return sorted(name for name in set(MODULE.findall(text)) if not _there(name.split(".")))


def _there(parts):
    for end in range(len(parts), 0, -1):
        place = "/".join(parts[:end])
        if {f"{place}.py", f"{place}/__init__.py"} & THERE:
            return end == len(parts) or _has(import_module(".".join(parts[:end])), parts[end:])
    return False


def _has(module, names):
    for name in names:
        module = getattr(module, name, None)
    return module is not None


def test_what_is_named_in_comments_docstrings_and_pages_exists():
    missing = [
        f"{path.relative_to(TOP)}: {name}"
        for path in [*SOURCES, *PAGES]
        for text in texts(path)
        for name in missing_files(text) + missing_modules(text)
    ]
    assert not missing


def test_names_of_what_is_gone_are_found():
    assert missing_files(
        "see mcuref/firmware/cores.py and cost.py, mcuref/nosuch/, difference.py, tests/golden/int9.csv"
    ) == ["cost.py", "mcuref/firmware/cores.py", "mcuref/nosuch", "tests/golden/int9.csv"]
    text = ":mod:`mcuref.cost.nothing`, mcuref.program.zeros, mcuref.compile, mcuref.train/1"
    assert missing_modules(text) == ["mcuref.cost.nothing"]


def test_lines_fit_a_screen():
    long = [
        f"{path.relative_to(TOP)}:{number}: {len(line)}"
        for path in sorted((TOP / "mcuref").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert not long, f"longer than {LONGEST} characters"


def test_no_value_is_made_and_thrown_away():
    """A tuple as two statements, a property read for what it does, a comparison that asserts nothing."""
    kinds = (ast.Tuple, ast.List, ast.Attribute, ast.Name, ast.Subscript, ast.Compare, ast.BinOp, ast.BoolOp)
    lost = [
        f"{path.relative_to(TOP)}:{node.lineno}: {ast.unparse(node)}"
        for folder in ("mcuref", "data_scripts")
        for path in sorted((TOP / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, kinds)
    ]
    assert not lost


def test_extras_are_named_as_a_clone_installs_them():
    """No package index has mcuref."""
    listed = (TOP / "setup.cfg").read_text().partition("[options.extras_require]")[2].partition("\n[")[0]
    extras = re.findall(r"^([a-z-]+) =$", listed, re.MULTILINE)
    named = set()
    for path in [*SOURCES, *PAGES]:
        text = path.read_text(encoding="utf-8")
        assert "mcuref" + "[" not in text, path
        named |= set(re.findall(r"pip install '\.\[([\w-]+)\]'", text))
    assert named <= set(extras) and {"plot", "test", "data", "peers", "tflite", "tflite-check"} <= named
