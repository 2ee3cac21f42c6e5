"""Links of pages lead to files and headings that are there, and every page can be reached."""

import re

import pytest

from .blocks import PAGES, TOP, anchors, links, name_of, read


def broken(page, text):
    """Targets of links of a page that are not there; what lies on the web is not asked for."""
    found = []
    for target in links(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path
        if not file.exists() or anchor and anchor not in anchors(read(file) if path else text):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=map(name_of, PAGES))
def test_links_lead_somewhere(page):
    assert not broken(page, read(page))


def test_broken_links_are_found(tmp_path):
    (tmp_path / "other.md").write_text("# A page\n\n## What `k` is, in short\n\n(mark)=\ntext\n")
    page = tmp_path / "page.md"
    text = "# One\n\n[a](other.md) [b](other.md#what-k-is-in-short) [c](#one) [d](https://a.org/x) [e](other.md#mark)\n"
    assert broken(page, text) == []
    wrong = "[a](othr.md) [b](other.md#what-k) ![c](none.png) [d](#two)\n"
    assert broken(page, wrong) == ["othr.md", "other.md#what-k", "none.png", "#two"]


def test_every_page_is_in_a_table_of_contents():
    listed = {"docs/index.md"}
    for page in PAGES:
        for names in re.findall(r"```\{toctree\}\n(.*?)```", read(page), re.DOTALL):
            listed |= {name_of(page.parent / f"{name}.md") for name in names.splitlines() if name and name[0] != ":"}
    assert listed == {name_of(page) for page in PAGES if page.parent != TOP}
