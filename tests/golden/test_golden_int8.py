"""Int8 kernels against committed checksums: of what LiteRT's reference kernels came to, and the oracles of what trains."""

import csv

import pytest

from tests.kernels.int8 import training_cases
from tests.kernels.int8.cases import KINDS, case

from .generate_int8 import CASES, FILE, TRAINING_FILE, outputs_check, problem, training_problem

ROWS = list(csv.DictReader(FILE.read_text().splitlines()))
TRAINING = list(csv.DictReader(TRAINING_FILE.read_text().splitlines()))


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_the_reference(kind):
    agree(ROWS, kind, case, problem)


@pytest.mark.parametrize("kind", training_cases.KINDS)
def test_what_trains_comes_to_what_the_oracles_came_to(kind):
    agree(TRAINING, kind, training_cases.case, training_problem)


def agree(rows, kind, case, problem):
    rows = [row for row in rows if row["kind"] == kind]
    assert [int(row["number"]) for row in rows] == list(range(CASES))
    for row in rows:
        each = case(kind, int(row["number"]))
        assert f"{problem(each):08x}" == row["problem"], "the case itself is another one than that which was run"
        assert each.ours.size == int(row["outputs"])
        assert f"{outputs_check(each.ours):08x}" == row["reference"], f"case {row['number']}"


def test_the_file_has_every_kind_and_many_outputs():
    assert list(dict.fromkeys(row["kind"] for row in ROWS)) == list(KINDS)
    assert list(dict.fromkeys(row["kind"] for row in TRAINING)) == list(training_cases.KINDS)
    assert sum(int(row["outputs"]) for row in TRAINING) > 100_000
    assert sum(int(row["outputs"]) for row in ROWS) > 500_000
