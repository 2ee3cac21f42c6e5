"""A report that was read is what a command makes, or one sentence says what is not; nothing is hidden that is ours."""

import copy
import json

import pytest

from mcuref import InputError
from mcuref.cli import main
from mcuref.files import WriteError
from mcuref.report.incremental import incremental_tables
from mcuref.report.shapes import check_report, read_again
from mcuref.report.training_tables import training_tables


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """One of each command."""
    folder = tmp_path_factory.mktemp("reports")
    learn = [
        "incremental",
        "--samples",
        "300",
        "--tasks",
        "2",
        "--steps",
        "20",
        "--seeds",
        "2",
        "--smallest",
        "--within",
        "0.5",
    ]
    train = ["train", "--epochs", "1", "--samples", "100"]
    for name, command in {"train": train, "int8": [*train, "--dtype", "int8"], "incremental": learn}.items():
        assert main([*command, "--json", str(folder / name)]) == 0
    return {name: json.loads((folder / name).read_text()) for name in ("train", "int8", "incremental")}


MADE = [
    ("train", "train", training_tables),
    ("int8", "train", training_tables),
    ("incremental",) * 2 + (incremental_tables,),
]


@pytest.mark.parametrize("name, command, tables", MADE)
def test_what_a_command_makes_is_right(reports, name, command, tables):
    check_report(reports[name], command)
    assert list(tables(reports[name]))


@pytest.mark.parametrize("name, command, tables", MADE)
def test_nothing_that_tables_need_may_be_missing(reports, name, command, tables):
    """Every key of every object is removed: it is told, or it is not missed."""

    def objects(value):
        if isinstance(value, dict):
            yield value
        if isinstance(value, (dict, list)):
            for inner in list(value.values()) if isinstance(value, dict) else value[-1:]:
                yield from objects(inner)

    report, told = copy.deepcopy(reports[name]), 0
    for part in objects(report):
        for name in list(part):
            value = part.pop(name)
            try:
                check_report(report, command)
                list(tables(report))
            except ValueError as error:
                assert "has no" in str(error), error
                told += 1
            part[name] = value
    assert told > 15


@pytest.mark.parametrize("change, words", [
    ({"seeds": [0]}, "does not have a result for each strategy and seed"), ({"seeds": []}, "for each strategy and seed"),
    ({"strategies": []}, "for each strategy and seed"),
    ({"scenario": {"kind": "classes", "tasks": 10**9}}, "each of its 1000000000 tasks"),
    ({"scenario": {"kind": "classes", "tasks": 3}}, "does not have a figure for each of its 3 tasks"),
    ({"budget": {}}, "it.budget has no 'name'"), ({"growth": [{}, {}]}, r"it.growth\[0\] has no 'seed'"),
    ({"smallest_fixed": {"widths": 3}}, "it.smallest_fixed.widths is 3"), ({"schema": "x"}, "its schema is 'x'"),
])  # fmt: skip
def test_nonsense_is_told(reports, change, words):
    with pytest.raises(ValueError, match=words):
        check_report(reports["incremental"] | change, "incremental")


def test_a_matrix_has_a_figure_for_each_task(reports):
    report = copy.deepcopy(reports["incremental"])
    report["strategies"][1]["per_seed"][1]["accuracy_matrix"][0].pop()
    with pytest.raises(ValueError, match="does not have a figure for each of its 2 tasks"):
        check_report(report, "incremental")


@pytest.mark.parametrize("error", [KeyError("x"), ZeroDivisionError("division by zero"), MemoryError(), IndexError("a\nb")])
def test_whatever_comes_of_a_report_is_a_sentence(error):
    with pytest.raises(InputError, match="run folder 'run' has a report that cannot be shown: .") as told, read_again("run"):
        raise error
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("error", [WriteError("disk full"), OSError(28, "full"), KeyboardInterrupt(), AssertionError()])
def test_other_errors_stay(error):
    with pytest.raises(type(error)) as told, read_again("run"):
        raise error
    assert told.value is error
