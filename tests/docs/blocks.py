"""Pages in Markdown: their code blocks, links and headings, and what is wrong with a block before it is run."""

import re
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

TOP = Path(__file__).resolve().parents[2]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").rglob("*.md"))]
LANGUAGES = ("python", "sh", "console", "toml", "c", "bibtex")
DIRECTIVES = ("{toctree}", "{include}", "{eval-rst}", "{math}", "{list-table}", "{note}", "{warning}")  # the build checks


class Block(NamedTuple):
    """A fenced code block: its language, its text, and the line of the page where the fence is, from 1."""

    language: str
    text: str
    line: int


def name_of(page):
    """A page's name below the top."""
    return page.relative_to(TOP).as_posix()


def read(page):
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def _tokens(text):
    return MarkdownIt("commonmark").enable("table").parse(text)


def blocks(text, language=None):
    """Fenced blocks of a page, all or those of a language."""
    found = [Block(t.info.strip().partition(" ")[0], t.content, t.map[0] + 1) for t in _tokens(text) if t.type == "fence"]
    return [block for block in found if language in (None, block.language)]


def faults_of_form(text):
    """Sentences on blocks that nothing would check: indented ones, unknown languages, Python without prompts."""
    faults = [f"line {t.map[0] + 1}: an indented block" for t in _tokens(text) if t.type == "code_block"]
    for language, code, line in blocks(text):
        if language not in LANGUAGES + DIRECTIVES:
            faults.append(f"line {line}: language {language!r} is not known; it may be {', '.join(LANGUAGES)}")
        if language == "python" and not code.startswith(">>> "):
            faults.append(f"line {line}: it does not begin with >>>, so it is not run")
        if language == "console" and not code.startswith("$ "):
            faults.append(f"line {line}: it does not begin with $, so it is not run")
    return faults + [f"{option} skips what a page says" for option in re.findall(r"doctest: *\+SKIP", text)]


def links(text):
    """Targets of a page's links."""
    children = [child for token in _tokens(text) for child in token.children or ()]
    return [child.attrGet("href") or child.attrGet("src") for child in children if child.type in ("link_open", "image")]


def anchors(text):
    """What #... may name on a page: its headings as GitHub and MyST write them, and MyST's own (name)=."""
    tokens = _tokens(text)
    titles = [after.content for token, after in zip(tokens, tokens[1:]) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles} | set(
        re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    )
