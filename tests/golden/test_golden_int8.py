"""Int8 kernels against committed checksums of the outputs of LiteRT's reference kernels; LiteRT is not needed."""

import csv

import pytest

from tests.kernels.int8.cases import KINDS, case

from .generate_int8 import CASES, FILE, outputs_check, problem

ROWS = list(csv.DictReader(FILE.read_text().splitlines()))


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_the_reference(kind):
    rows = [row for row in ROWS if row["kind"] == kind]
    assert [int(row["number"]) for row in rows] == list(range(CASES))
    for row in rows:
        each = case(kind, int(row["number"]))
        assert f"{problem(each):08x}" == row["problem"], "the case itself is another one than that which was run"
        assert each.ours.size == int(row["outputs"])
        assert f"{outputs_check(each.ours):08x}" == row["reference"], f"case {row['number']}"


def test_the_file_has_every_kind_and_many_outputs():
    assert list(dict.fromkeys(row["kind"] for row in ROWS)) == list(KINDS)
    assert sum(int(row["outputs"]) for row in ROWS) > 500_000
