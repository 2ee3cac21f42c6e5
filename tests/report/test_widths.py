"""Every table of every command in 80 columns: no row wraps, and no figure is cut; with --wide all of them are there."""

from types import SimpleNamespace

import pytest

from mcuref import TARGETS, rules
from mcuref.bench.benchmark import MODELS
from mcuref.cli.console import show
from mcuref.cli.kinds import SCALES, UPDATES
from mcuref.datasets.catalogue import CATALOGUE
from mcuref.experiments.entries import METHODS, SWEEP
from mcuref.models import ZOO, build, find_model
from mcuref.operators import NAMES
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.report.comparison_tables import comparison_tables, sweep_tables
from mcuref.report.firmware import profile_tables
from mcuref.report.incremental import incremental_tables, task_table
from mcuref.report.lists import (
    bank_tables,
    bench_tables,
    checks_tables,
    dataset_lines,
    dataset_tables,
    model_tables,
    models_tables,
    targets_tables,
)
from mcuref.report.memory_tables import memory_tables
from mcuref.report.models import model_report
from mcuref.report.tables import Table
from mcuref.report.training_tables import training_tables

BYTES = 12_345_678  # more than any part has
STAGES = ("record", "distil", "train", "verify", "grow")


@pytest.fixture
def fits(capsys, monkeypatch):
    """Print results at 80 and 120 columns, and all columns of them; every row is a line that holds its cells, in order."""

    def lines(result, width, wide):
        monkeypatch.setenv("COLUMNS", str(width))
        show(result, wide=wide)
        return capsys.readouterr().out.splitlines()

    def run(results):
        results = list(results)
        assert any(isinstance(result, Table) for result in results)
        for width, wide in ((80, False), (120, False), (80, True)):
            for result in results:
                printed = lines(result, width, wide)
                assert printed == [line.rstrip() for line in printed]
                assert (wide and isinstance(result, Table)) or all(len(line) <= width for line in printed), printed
                shown = isinstance(result, Table) and (result.columns if wide else result.shown(width))
                if shown:
                    rows_are_lines(result, shown, printed)

    return run


def rows_are_lines(table, shown, printed):
    start = next(i for i, line in enumerate(printed) if line and not line.strip("─")) + 1
    body = [line for line in printed[start : start + len(table.rows) + 1] if line][: len(table.rows)]
    picked = [table.columns.index(column) for column in shown]
    for row, line in zip(table.rows, body, strict=True):
        assert line.split() == " ".join(row[i].plain for i in picked).split()


def tables(results):
    return [result for result in results if isinstance(result, Table)]


@pytest.fixture(scope="module")
def reports():
    return [model_report(name) for name in ZOO]


def test_models(fits, reports):
    fits(models_tables(reports))
    for report in reports:
        fits(model_tables(report))


@pytest.mark.parametrize("name", ZOO)
def test_estimate(fits, name):
    model = find_model(name)
    budget = TARGETS["nrf52840"].budget()
    change = {"change": "--trainable 1", "sram": BYTES, "flash": BYTES}
    for method, optimiser, trainable in (("tinypropv2", SGD(momentum=0.9, batch=4), None), ("full", SGD(), 1)):
        program = compile(build(model), rules.make(method), optimiser, loss=model.loss, trainable=trainable)
        program.budget = budget if trainable is None else None
        fits(memory_tables(program, program.report(), False, [change]))


def test_targets(fits):
    fits(targets_tables(TARGETS.values()))
    for target in TARGETS.values():
        fits(bank_tables(target))


def test_datasets(fits, monkeypatch, tmp_path, capsys):
    rows = [
        SimpleNamespace(**vars(entry), sample_shape=entry.shape, present=present, where=tmp_path, command="python x.py")
        for entry in CATALOGUE.values()
        for present in (True, False)
    ]
    fits(dataset_tables(rows, tmp_path / ("folder" * 30)))
    monkeypatch.setenv("COLUMNS", "80")
    for row in rows:
        show(*dataset_lines(row))
        out = capsys.readouterr().out
        assert all(len(line) <= 80 for line in out.splitlines())
        assert all(" ".join(text.split()) in " ".join(out.split()) for text in (row.what, row.licence, row.note))


def compared(method, seeds, metric, sram, **settings):
    return {
        "method": method,
        "dtype": "float32",
        "update": None,
        "scales": None,
        "metric": metric,
        "accuracy": 1.0,
        "accuracy_std": 0.12345,
        "per_seed": [1.0] * seeds,
        "accuracy_drop": -0.12345,
        "accuracy_drop_std": 0.12345,
        "dtype_drop": None,
        "dtype_drop_std": None,
        "backward_effort": 1.0,
        "backward_effort_nonzero": 1.0,
        "total_effort": 1.0,
        "samples_skipped": 1.0,
        "samples_rested": 0.0,
        "instructions_per_step": 184_605_000.0,
        "sram_bytes": sram,
        "flash_bytes": sram,
        "counts": {"forward": 1, "propagate": 1, "weight_gradient": 1},
        "settings": settings,
    }


@pytest.mark.parametrize("sram", [10_224, 1_893_220, BYTES])
@pytest.mark.parametrize("metric", ["accuracy", "auc"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_compare(fits, seeds, metric, sram):
    settings = {"ratio": 0.125, "s_min": 0.08, "s_max": 0.85, "zeta": 0.95, "threshold": 0.35, "output": "dense"}
    rows = [compared(method, seeds, metric, sram, **settings) for method in METHODS]
    for explain in (False, True):
        fits(comparison_tables(rows, ["topk learned nothing " * 9], explain))
    of_float32 = {"dtype": "float32", "update": None, "scales": None}
    gains = [{"method": "tinyprop", **of_float32, "factor": 123.4, "topk_effort": 1.0, "bound": "at least"}]
    fits(sweep_tables([compared("topk", seeds, metric, sram, ratio=ratio) for ratio in SWEEP], gains))


@pytest.mark.parametrize("metric", ["accuracy", "auc"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_compare_types(fits, seeds, metric):
    """With every way of updates and scales; at 80 columns all of what int8 is compared for stays."""
    rows = [compared(method, seeds, metric, 1_893_220, ratio=0.125) for method in METHODS]
    lost = {"dtype_drop": -0.12345, "dtype_drop_std": 0.12345}
    rows += [
        row | {"dtype": "int8", "update": update, "scales": scales, **lost}
        for update in UPDATES
        for scales in SCALES
        for row in rows[:4]
    ]
    for explain in (False, True):
        fits(comparison_tables(rows, [], explain))
    (table,) = tables(comparison_tables(rows))
    shown = [column.name for column in table.shown(80)]
    assert {"method", "type", "accuracy" if metric == "accuracy" else "AUC", "below float32", "total effort"} <= set(shown)


def test_compare_keeps_what_it_is_for(fits):
    """At 80 columns, at one seed and several, with as many bytes as the largest model of the zoo takes."""
    for seeds, more in ((1, ["of full's"]), (3, [])):
        (table,) = tables(comparison_tables([compared(method, seeds, "accuracy", 1_893_220) for method in METHODS]))
        shown = [column.name for column in table.shown(80)]
        assert {"method", "accuracy", "drop", "backward effort", "total effort", "skipped", *more} <= set(shown)


INT8 = {
    "dtype": "int8", "update": "residual16", "scales": "running", "headroom": 12.345, "deployed": "rescaled",
    "exponents": {"conv1": -15},
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("metric, rested", [
    ("accuracy", {"rested": 784_000}), ("auc", {}), ("mean_squared_error", {"rested": 0}),
])  # fmt: skip
def test_train(fits, name, metric, rested):
    """Runs of older versions do not say how many samples rested."""
    layers = [layer for i, layer in enumerate(build(name).names) if i in build(name).parametric]
    epoch = {"epoch": 100, "samples": 784_000, "skipped": 784_000, "loss": 1234.5678, "backward_effort": 1.0, metric: 1.0}
    epoch |= rested | {f"ratio.{layer}": 1.0 for layer in layers}
    fits(
        training_tables(
            {
                "data": "speech_commands_mfcc49x10",
                "model": "my_model.toml" * 9,
                "method": "tinypropv2",
                "preset": "default",
                "regime": "continue",
                "seed": 4294967295,
                "history": [epoch, epoch],
                "metric": metric,
                **INT8,
                "saturation": [
                    {"layer": layer, "weights_before": 1.0, "weights": 1.0, "activations": 1.0, "errors": None}
                    for layer in layers
                ],
                metric: 1.0,
                "evaluated_on": "validation",
                "backward_effort": 1.0,
                "total_effort": 1.0,
                "timing": {"seconds": 1234.5},
                "counts": dict.fromkeys(("forward", "propagate", "weight_gradient", "update", "comparisons"), 10**15),
                "memory": {"regions": {"sram": {"planned": BYTES}, "flash": {"planned": BYTES}}},
                "warnings": ["nothing was learned " * 9],
            }
        )
    )


def task(number, tasks, widths):
    return {
        "task": number,
        "classes": list(range(number * 12)),
        "accuracy": 1.0,
        "per_task": [1.0] * number,
        "widths": widths,
        "inference_macs": BYTES,
        "stored_bytes": 1_234_567,
        "sram": 1_893_220,
        "flash": 1_865_184,
        "criterion_met": False,
        "criterion": 0.95,
        "verified": 0.9,
    }


@pytest.mark.parametrize("name", ["mlp-64-32-10", "resnet-8", "mobilenet-v1-0.25"])
@pytest.mark.parametrize("tasks, seeds", [(2, 1), (5, 3), (12, 4)])
def test_incremental(fits, name, tasks, seeds):
    network = build(name)
    widths = [network.shapes[i][-1] for i in network.parametric][:-1]
    rows = [task(number, tasks, widths) for number in range(1, tasks + 1)]
    buffers = {f"embedding{i}.weights": BYTES for i in range(6)}
    stages = [{"stage": stage, "sram": 1_893_220, "buffers": buffers} for stage in STAGES]
    learned = [{"seed": seed, "tasks": rows, "stages": stages} for seed in range(seeds)]
    figures = dict.fromkeys(("average_accuracy", "average_incremental_accuracy", "forgetting"), 0.98765)
    figures |= dict.fromkeys(("average_accuracy_std", "forgetting_std"), 0.12345)
    figures |= dict.fromkeys(("inference_macs_final", "inference_macs_mean"), 12_501_632.0)
    charged = ("training_macs", "growth_macs", "distillation_macs", "verification_macs", "all_macs")
    figures |= dict.fromkeys(charged, 1.2e12)
    figures["instructions"] = {"all": 4.8e13, "reason": None}
    strategies = [
        figures
        | {
            "name": strategy,
            "fits": False,
            "per_seed": learned,
            "accuracy_matrix": [[1.0] * tasks] * tasks,
            "stored_bytes": 1_234_567,
            "stored_share": 1.0,
            "sram_peak": 1_893_220,
            "flash_peak": 1_865_184,
            "raw_pool_bytes": 1_234_567_890,
        }
        for strategy in ("growing", "fixed-large", "naive", "reservoir")
    ]
    fits(
        incremental_tables(
            {
                "data": "dcase2020_toycar",
                "model": name,
                "scenario": {"kind": "classes", "tasks": tasks},
                "evaluated_on": "test",
                "budget": {"name": "imxrt1062", "sram": BYTES, "flash": BYTES, "stack": 2048, "core": "m7"},
                "seeds": list(range(seeds)),
                "criterion": {"accuracy": None, "within": 0.01},
                "held_out_samples": 2000,
                "recipe": {"verification": {"source": "held-out", "per_class": 20}},
                "strategies": strategies,
                "growth": learned,
                "smallest_fixed": {"widths": [widths] * seeds, "inference_macs": 1e7},
            }
        )
    )
    fits([task_table(rows), task_table([row | {"criterion_met": None} for row in rows])])


def test_profile(fits):
    rows = [
        {"opcode": name, "layer": "globalavgpool1", "runs": 100_000, "instructions": 10**12, "per_step": 1.8e8}
        for name in NAMES.values()
    ]
    functions = {f"mcuref_{row['opcode']}": 10**12 for row in rows}
    fits(
        profile_tables(
            {
                "rows": rows,
                "functions": functions,
                "training_step": 1.8e8,
                "inference": 64_041_899,
                "samples": 32,
                "inferences": 32,
            }
        )
    )


def test_doctor(fits):
    checks = [
        ("firmware for this computer (optional)", True, "arm-none-eabi-gcc 12.2.1"),
        ("kernel cache", True, "/home/somebody/.cache/mcuref/kernels/7d67783f6f602c11"),
        ("data folder", True, f"/data; here: {', '.join(CATALOGUE)}"),
        ("firmware for Cortex-M4F (optional)", False, "arm-none-eabi-gcc failed with status 1: " + "no such file " * 9),
        ("losses of tinyprop, cnn-8", False, "3a8d9992, not 00000001"),
        ("torch (optional)", None, "not installed"),
    ]
    fits(checks_tables(checks))


def test_bench(fits):
    rows = [
        {"model": model, "method": method, "dtype": dtype, "steps_per_second": 123_456.7, "samples_skipped": 0.8}
        | {"ratio_to_torch": torch, "ratio_to_float32": float32}
        for model in (*MODELS, "mlp-784-512-256-128-64-32-10")
        for dtype, torch, float32 in (("float32", 123.4, None), ("int8", None, 1.23))
        for method in METHODS
    ]
    kernels = [
        {"model": model, "kernel": "depthwise_backward_input_f32", "shape": "112x112x64 to 112x112x64, 3x3 / 2x2"}
        | {"layers": 12, "microseconds": 1234.56, "step_share": 0.123, "gmacs": gmacs}
        for model in MODELS
        for gmacs in (None, 12.3)
    ]
    fits(bench_tables(rows, kernels, {"mcuref": 12.3, "numpy": 4.5}))
