"""Tables of the documentation are those that the committed results make, and the frontier is drawn from the same."""

import json

import pytest

from mcuref.experiments.committed import results
from mcuref.report import pages


def test_the_committed_pages_are_what_the_command_makes(capsys):
    assert pages.main(["--check"]) == 0, capsys.readouterr().out


def test_every_table_has_its_place():
    text = "".join((pages.TOP / name).read_text(encoding="utf-8") for name in pages.PAGES)
    assert sorted(found[2] for found in pages.BLOCK.finditer(text)) == sorted(pages.blocks())


def test_a_page_that_is_not_up_to_date_is_found_and_written(tmp_path, monkeypatch):
    text = "before\n<!-- made: claims -->\nold\n<!-- end of claims -->\nbehind\n"
    (tmp_path / "page.md").write_text(text)
    monkeypatch.setattr(pages, "TOP", tmp_path)
    monkeypatch.setattr(pages, "PAGES", ("page.md",))
    assert pages.main(["--check"]) == 1 and (tmp_path / "page.md").read_text() == text
    assert pages.main([]) == 0 and pages.main(["--check"]) == 0
    written = (tmp_path / "page.md").read_text()
    assert written.startswith("before\n<!-- made: claims -->\n\n") and written.endswith("<!-- end of claims -->\nbehind\n")
    assert pages.blocks()["claims"] in written and "old" not in written


def test_results_are_taken_over(tmp_path, monkeypatch):
    for name in ("results", "tuned"):
        (tmp_path / "from" / name).mkdir(parents=True)
        (tmp_path / "to" / name).mkdir(parents=True)
        monkeypatch.setattr(pages, name.upper(), tmp_path / "to" / name)
    (tmp_path / "from/results/digits.json").write_text('{"row": "digits"}')
    (tmp_path / "to/tuned/digits.json").write_text('{"row": "digits", "methods": {"topk": 1}}')
    (tmp_path / "from/tuned/digits.json").write_text('{"row": "digits", "methods": {"full": 2}}')
    pages.take(tmp_path / "from")
    assert json.loads((tmp_path / "to/results/digits.json").read_text()) == {"row": "digits"}
    assert json.loads((tmp_path / "to/tuned/digits.json").read_text()) == {
        "row": "digits",
        "methods": {"full": 2, "topk": 1},
    }


def test_the_frontier_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    from mcuref.report.frontier import draw_frontier

    draw_frontier(results()["digits"], tmp_path / "frontier.svg")
    text = (tmp_path / "frontier.svg").read_text()
    assert text.startswith("<?xml") and len(text) > 10_000
