"""Blocks of pages that are data, C, or a terminal's screen: run, parsed or compiled. Each returns what is wrong."""

import os
import re
import shutil
import subprocess
import sys

import mcuref
from mcuref.errors import McurefError
from mcuref.export.cores import FLAGS
from mcuref.export.sources import SOURCES
from mcuref.files import user_cache

from .blocks import TOP

SECONDS = 60  # that a command of a console block may take; those of pages take two at most


def console_faults(text, folder):
    """Each line "$ command" is run in ``folder``, 80 columns wide; what it prints must be the lines below it.

    It runs as for the first time, with a cache folder of its own, but with kernels that are there.
    """
    shim = folder / "bin" / "mcuref"
    shim.parent.mkdir(exist_ok=True)
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcuref "$@"\n')
    shim.chmod(0o755)
    paths = os.pathsep.join([str(shim.parent), os.environ["PATH"]])
    cache = folder / "cache"
    (cache / "mcuref").mkdir(parents=True, exist_ok=True)
    kernels = cache / "mcuref" / "kernels"
    if not kernels.is_symlink():
        kernels.symlink_to(user_cache() / "kernels")
    environment = os.environ | {
        "PATH": paths,
        "COLUMNS": "80",
        "PYTHONPATH": str(TOP),
        "NO_COLOR": "1",
        "XDG_CACHE_HOME": str(cache),
    }
    found = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        run = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=environment,
            text=True,
            timeout=SECONDS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        if _lines(run.stdout) != _lines(expected):
            found.append(f"{command} prints\n{run.stdout}")
    return found


def _lines(text):
    return [line.rstrip() for line in text.rstrip().splitlines()]


def toml_faults(text, folder):
    """A model's description, of which a network can be built."""
    file = folder / "described.toml"
    file.write_text(text, encoding="utf-8")
    try:
        mcuref.build(str(file))
    except McurefError as error:
        return [str(error)]
    return []


def write_example(folder):
    """Export a project whose headers C blocks include."""
    from mcuref.export.material import Material
    from mcuref.export.project import write_project

    data = mcuref.load_data("digits")
    program = mcuref.compile(mcuref.build("mlp-64-8-10", data), mcuref.TinyPropV2(), mcuref.SGD(0.02))
    write_project(Material(program, data.x_train[:1], data.y_train[:1], inferences=1), folder)


def c_faults(text, project):
    """A translation unit that compiles beside an exported project, or a library; None where there is no compiler."""
    if shutil.which("gcc") is None:
        return None
    include = (f"-iquote{project}", f"-iquote{SOURCES}")
    command = ["gcc", *FLAGS, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *include, "-x", "c", "-"]
    run = subprocess.run(command, input=text, text=True, capture_output=True)
    return [run.stderr] if run.returncode else []


def citation():
    """{"mcuref" or an arXiv number: {"title", "authors", "year"}} from CITATION.cff."""
    found = {}
    for part in re.split(r"^  - type: article$", (TOP / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE):
        number = re.search(r"arXiv:(\d{4}\.\d{5})", part)
        found[number[1] if number else "mcuref"] = {
            "title": re.search(r'title: "?(.*?)"?$', part, re.MULTILINE)[1],
            "authors": re.findall(r"- name: (.*)", part)
            + [f"{given} {family}" for family, given in re.findall(r"family-names: (.*)\n *given-names: (.*)", part)],
            "year": (re.search(r"year: (\d+)", part) or ["", None])[1],
            "version": (re.search(r"^version: (\S+)$", part, re.MULTILINE) or ["", None])[1],
        }
    return found


def bibtex_faults(text):
    """Entries that say of mcuref and of the papers what CITATION.cff says."""
    found = []
    for entry in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        fields = dict(re.findall(r"^\s*(\w+)\s*=\s*[{\"](.*?)[}\"],?\s*$", entry, re.MULTILINE))
        key = re.search(r"\d{4}\.\d{5}", entry)
        known = citation().get(key[0] if key else "mcuref")
        if known is None:
            found.append(f"{key[0]} is not in CITATION.cff")
            continue
        plain = re.sub("[{}]", "", fields.get("author", "").replace('\\"u', "ü"))
        names = [" ".join(reversed(name.split(", "))) for name in plain.split(" and ")]
        if names != known["authors"]:
            found.append(f"the authors are {' and '.join(known['authors'])}")
        if known["title"] not in re.sub("[{}]", "", fields.get("title", "")):
            found.append(f"the title is {known['title']!r}")
        if known["year"] and known["year"] != fields.get("year"):
            found.append(f"the year is {known['year']}")
        if known["version"] != fields.get("version", known["version"]):
            found.append(f"the version is {known['version']}")
    return found
