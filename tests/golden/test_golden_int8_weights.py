"""Int8 kernels that train layers with weights, against committed checksums of what plain Python integers come to."""

import csv

import pytest

from tests.kernels.int8.training import CASES, case_outputs, check_of

from .generate_int8_weights import FILE, NUMBERS, problem_check

ROWS = list(csv.DictReader(FILE.read_text().splitlines()))


@pytest.mark.parametrize("name, what", CASES, ids=["-".join(case) for case in CASES])
def test_results_are_those_of_the_definition(name, what):
    rows = [row for row in ROWS if (row["layer"], row["what"]) == (name, what)]
    assert [int(row["number"]) for row in rows] == list(range(NUMBERS))
    for number, row in enumerate(rows):
        assert f"{problem_check(name, what, number):08x}" == row["problem"], "the case itself is another one"
        assert f"{check_of(case_outputs(name, what, number)):08x}" == row["result"], f"case {number}"


def test_the_file_has_every_case_and_results_differ():
    assert list(dict.fromkeys((row["layer"], row["what"]) for row in ROWS)) == list(CASES)
    assert len({row["result"] for row in ROWS}) == len(ROWS)
