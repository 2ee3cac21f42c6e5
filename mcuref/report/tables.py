"""Tables for people, made of the plain data that the reports hold."""

from rich import box
from rich.table import Table
from rich.text import Text

from mcuref.cost.instructions import SOFT_FLOAT
from mcuref.memory.buffers import CATEGORIES, REGIONS
from mcuref.memory.targets import assumed_core, budget_words, format_size

ASSUMED_ZEROS = (
    "; without an FPU products with 0 cost next to nothing: assumed are, for inference, zeros in half of the values behind "
    "a ReLU, for the most of a step none; --data looks"
)
METRICS = {"accuracy": "accuracy", "auc": "AUC", "mean_squared_error": "error"}


def plain_table(*columns):
    """A table whose columns after the first are right-aligned; a column name may begin with "<" for left."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for i, column in enumerate(columns):
        left = i == 0 or column.startswith("<")
        name = column.removeprefix("<")
        table.add_column(name, justify="left" if left else "right", no_wrap=not column.startswith("<"), overflow="fold")
    return table


def note(text):
    """A line below a table, dim."""
    return Text(text, style="dim")


def percent(fraction, digits=1):
    """A share as people read it; - where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.{digits}f} %"


def warnings_below(sentences):
    """Lines below a table, of what is wrong with it."""
    return [Text(f"warning: {sentence}", style="bold yellow") for sentence in sentences]


# -- compare ----------------------------------------------------------------------------------------------------------


def protocol_line(comparison, evaluated):
    """One line that says what was done, for every row alike."""
    p, seeds = comparison.protocol, ", ".join(map(str, comparison.seeds))
    before = ""
    if p.pretrained_epochs:
        before = f"pre-trained densely on the first {p.pretrained_part:.0%} for {_epochs(p.pretrained_epochs)}, then "
    if p.shifted:
        before += "in the changed domain "
    momentum = f", momentum {p.momentum:g}" if p.momentum else ""
    budget = comparison.budget
    limit = f"budget {budget_words(budget.name, budget.core)}" if budget else "no budget"
    return Text(
        f"{comparison.data.name}, {comparison.model.name}, {comparison.regime}: {before}{_epochs(p.epochs)} at rate "
        f"{p.learning_rate:g} ({p.schedule}), batch {p.batch}{momentum}; seeds {seeds}; {evaluated} set; {limit}"
    )


def _epochs(count):
    return f"{count} epoch{'s' if count > 1 else ''}"


def comparison_tables(rows, warnings=()):
    """The table of ``mcuref compare``, what is wrong with it, and what its columns mean."""
    metric = rows[0]["metric"]
    table = plain_table(
        "method", "<settings", METRICS[metric], "drop", "backward\neffort", "of\nfull's", "total\neffort", "skipped",
        "SRAM", "instr.\nper step",
    )  # fmt: skip
    for row in rows:
        drop, instructions = row["accuracy_drop"], row["instructions_per_step"]
        table.add_row(
            row["method"], _settings(row["settings"]), _score(row), "-" if drop is None else _points(metric, drop),
            percent(row["backward_effort"]), percent(row["backward_effort_nonzero"]), percent(row["total_effort"]),
            percent(row["samples_skipped"]), f"{row['sram_bytes']:,} B",
            "-" if instructions is None else f"{instructions:,.0f}",
        )  # fmt: skip
    yield table
    yield from warnings_below(warnings)
    yield note(
        "± standard deviation over seeds; drop: points below full training; backward effort: MACs counted over those of a "
        "dense backward pass; of full's: over what full training computed, which leaves out exact zeros; total effort: "
        "forward and backward, over dense training; skipped: samples not trained; instr. per step: executed by the target's "
        "core for a sample shown, forward pass and selection included, from formulas fitted to exact counts"
    )


def _score(row):
    """The metric of a row and its spread: accuracy in percent, an AUC as it is."""
    several = len(row["per_seed"]) > 1
    if row["metric"] == "accuracy":
        return f"{100 * row['accuracy']:.2f}" + (f" ± {100 * row['accuracy_std']:.2f}" if several else "") + " %"
    return f"{row['accuracy']:.4f}" + (f" ± {row['accuracy_std']:.4f}" if several else "")


def _points(metric, drop):
    return f"{100 * drop:+.2f}" if metric == "accuracy" else f"{drop:+.4f}"


def _settings(settings):
    """The settings that matter at a glance."""
    parts = []
    if "ratio" in settings:
        parts.append(f"r {settings['ratio']:g}")
    if "s_min" in settings:
        parts.append(f"S {settings['s_min']:g}..{settings['s_max']:g}")
        if settings["zeta"] != 1:
            parts.append(f"ζ {settings['zeta']:g}")
    if "threshold" in settings:
        parts.append(f"D > {settings['threshold']:g}")
    if settings.get("output", "auto") != "auto":
        parts.append(f"output {settings['output']}")
    return ", ".join(parts)


def sweep_tables(rows, advantages):
    """Static top-k at several ratios, and how much less backward effort the adaptive methods need at equal accuracy."""
    yield Text("\nstatic top-k, dense output layer", style="bold")
    table = plain_table("r", METRICS[rows[0]["metric"]], "drop", "backward effort", "of full's")
    for row in rows:
        drop = row["accuracy_drop"]
        table.add_row(
            f"{row['settings']['ratio']:g}", _score(row), "-" if drop is None else _points(row["metric"], drop),
            percent(row["backward_effort"]), percent(row["backward_effort_nonzero"]),
        )  # fmt: skip
    yield table
    for a in advantages:
        if a["factor"] is None:
            yield Text(f"{a['method']}: trained nothing")
            continue
        yield Text(
            f"{a['method']}: {a['bound'] + ' ' if a['bound'] else ''}{a['factor']:.1f}x less backward effort than static "
            f"top-k of equal accuracy ({percent(a['topk_effort'])})"
        )


# -- memory -----------------------------------------------------------------------------------------------------------


def memory_tables(program, memory, fits, suggestions):
    """What ``mcuref estimate`` prints: regions, layers, peak, what is not included, and what would fit."""
    dtype = program.network.input.dtype
    yield Text(f"{program.network.name} trained by {program.rule.method} on samples of {dtype}; {memory['policy']}")
    yield _regions_table(program, memory)
    yield note(_regions_note(program.budget))
    if memory["firmware"] is not None:
        yield from _firmware_lines(memory["firmware"], program.budget)
    yield _layers_table(memory)
    yield note(
        "columns in bytes of SRAM, then of flash, where trained weights have their start image; activations, errors, "
        "selection, scratch and input share bytes over time; MACs backward: the most a step can cost"
    )
    yield _peak_line(program, memory["peak"])
    yield Text("not included: " + "; ".join(memory["not_included"]))
    yield Text("It fits." if fits else "It does not fit.", style="bold green" if fits else "bold red")
    for change in suggestions:
        yield Text(f"  would fit: {change['change']} ({change['sram']:,} B SRAM, {change['flash']:,} B flash)")
    if not fits and not suggestions:
        yield Text("  no smaller variant that was tried fits")


def _peak_line(program, peak):
    """Where the peak is, and what shares the SRAM there; what persists is one figure."""
    alive = program.plan.alive("sram", peak["instruction"])
    persistent = sum(p.buffer.size for p in alive if p.buffer.persistent)
    sharing = sorted((p.buffer for p in alive if not p.buffer.persistent), key=lambda b: -b.size)
    return Text(
        f"SRAM peak at instruction {peak['instruction']} ({peak['opcode']} of {peak['layer']}, {peak['phase']}): weights "
        f"and state {persistent:,}, " + ", ".join(f"{b.name} {b.size:,}" for b in sharing)
    )


def _regions_table(program, memory):
    name = program.budget.name if program.budget and program.budget.name else "budget"
    table = plain_table("region", "planned", "lower bound", "needed", name, "used")
    for region in REGIONS:
        row = memory["regions"][region]
        allowed = row["budget"]
        table.add_row(
            region, f"{row['planned']:,} B", f"{row['lower_bound']:,} B", f"{row['needed']:,} B",
            "no limit" if allowed is None else f"{allowed:,} B", "-" if not allowed else percent(row["needed"] / allowed),
        )  # fmt: skip
    return table


def _regions_note(budget):
    """What the columns mean; the last three are the sum that decides whether it fits."""
    text = "planned is what is allocated; lower bound: no plan can be smaller"
    if budget is None:
        return text
    text += "; needed: with code, and stack beyond the reserve" if budget.core else "; needed: the plan alone"
    return text if budget.sram is None else f"{text}; SRAM budget after {budget.stack:,} B of stack"


def _firmware_lines(firmware, budget):
    """The whole firmware on its core, and what it executes."""
    assumed = assumed_core(budget.name, budget.core)
    if assumed:
        yield Text(f"code and stack as on a {assumed}; --target names another part")
    most, inference = firmware["instructions"]["training_step"], firmware["instructions"]["inference"]
    counted = firmware["instructions"]["zeros_counted"]
    yield Text(
        f"whole firmware on {firmware['core']}: SRAM {firmware['sram']:,} B (arena {firmware['arena']:,}, stack "
        f"{firmware['stack']:,}), flash {firmware['flash']:,} B (of it code {firmware['code']:,})"
    )
    yield Text(f"instructions: inference {inference:,.0f}; training step at most {most:,.0f}")
    yield note(
        f"code and stack as measured with {firmware['compiler']}; instructions executed, not cycles, from formulas fitted "
        "to exact counts" + (ASSUMED_ZEROS if firmware["core"] in SOFT_FLOAT and not counted else "")
    )


def _layers_table(memory):
    """Bytes of SRAM by layer and category, flash, MACs."""
    used = [c for c in CATEGORIES if any(c in row["sram"] for row in memory["layers"])]
    names = [CATEGORIES[c].column for c in used]
    table = plain_table("layer", "shape", *names, "flash", "MACs forward", "backward")
    for row in memory["layers"]:
        mark = "" if row["trainable"] or "weights" not in row["sram"] | row["flash"] else " (frozen)"
        table.add_row(
            row["layer"] + mark, "x".join(map(str, row["shape"])), *(f"{row['sram'].get(c, 0):,}" for c in used),
            f"{sum(row['flash'].values()):,}", f"{row['macs_forward']:,}", f"{row['macs_backward']:,}",
        )  # fmt: skip
    total = memory["layers"]
    program = memory["regions"]["flash"]["planned"] - sum(sum(row["flash"].values()) for row in total)
    table.add_row("program table", "", *("0" for _ in used), f"{program:,}", "0", "0")
    table.add_section()
    table.add_row(
        "sum", "", *(f"{sum(r['sram'].get(c, 0) for r in total):,}" for c in used),
        f"{memory['regions']['flash']['planned']:,}", f"{sum(r['macs_forward'] for r in total):,}",
        f"{sum(r['macs_backward'] for r in total):,}",
    )  # fmt: skip
    return table


# -- train, lists -----------------------------------------------------------------------------------------------------


def training_tables(report):
    """What ``mcuref train`` prints: history by epoch, then the result."""
    metric = report["metric"]
    yield Text(
        f"{report['data']}, {report['model']}, {report['method']} ({report['preset']}), {report['regime']}, "
        f"seed {report['seed']}"
    )
    table = plain_table("epoch", "samples", "skipped", "loss", metric, "backward effort", "<k / n by layer")
    for row in report["history"]:
        ratios = [f"{name[6:]} {value:.3f}" for name, value in row.items() if name.startswith("ratio.")]
        score = percent(row[metric], 2) if metric == "accuracy" else f"{row[metric]:.5f}"
        table.add_row(
            str(row["epoch"]), f"{row['samples']:,}", f"{row['skipped']:,}", f"{row['loss']:.4f}", score,
            percent(row["backward_effort"]), "  ".join(ratios),
        )  # fmt: skip
    yield table
    yield from warnings_below(report.get("warnings", ()))
    yield note("k / n: back-propagation ratio chosen by the rule, a skipped sample counts as 0")
    regions, counts = report["memory"]["regions"], report["counts"]
    yield Text(
        f"{metric} {percent(report[metric], 2) if metric == 'accuracy' else format(report[metric], '.5f')} on the "
        f"{report['evaluated_on']} set; backward effort {percent(report['backward_effort'])}, total effort "
        f"{percent(report['total_effort'])}; {regions['sram']['planned']:,} B of SRAM, "
        f"{regions['flash']['planned']:,} B of flash; {report['timing']['seconds']:.1f} s"
    )
    macs = ", ".join(
        f"{name.replace('_', ' ')} {counts[name]:,}" for name in ("forward", "propagate", "weight_gradient")
    )
    yield Text(
        f"counted MACs: {macs}; parameters written: {counts['update']:,}; comparisons: {counts['comparisons']:,}"
    )


def targets_tables(targets):
    """The list of ``mcuref targets``."""
    table = plain_table("target", "<core", "<FPU", "MHz", "SRAM", "flash", "<part", "<data sheet")
    for t in targets:
        table.add_row(
            t.name, t.core, t.fpu, f"{t.clock_hz / 1e6:g}", format_size(t.sram, short=True),
            format_size(t.flash, short=True), t.part, t.datasheet,
        )  # fmt: skip
    yield table
    yield note("SRAM and flash: largest run of adjacent banks, because one arena needs contiguous memory")


def bank_tables(target):
    """One target with its memory banks."""
    yield Text(f"{target.part} ({target.vendor}), {target.core}, FPU {target.fpu}, {target.clock_hz / 1e6:g} MHz")
    table = plain_table("bank", "<kind", "address", "bytes")
    for bank in target.banks:
        table.add_row(bank.name, bank.kind, f"0x{bank.address:08x}", f"{bank.size:,}")
    yield table
    sizes = f"{format_size(target.sram)} SRAM, {format_size(target.flash)} flash"
    yield note(f"largest run of adjacent banks: {sizes}; source: {target.datasheet}")


def dataset_tables(rows, folder):
    """The lists of ``mcuref datasets``: the sets, their licences and notes, and how to get what is not in folder."""
    table = plain_table("data", "<kind", "train", "test", "sample", "classes", "<what", "<here")
    terms = plain_table("data", "<licence", "<note")
    for row in rows:
        sample = f"{'x'.join(map(str, row.sample_shape))} {row.dtype}"
        here = Text("yes", style="green") if row.present else Text("no", style="dim")
        counts = f"{row.train:,}", f"{row.test:,}"
        table.add_row(row.name, row.kind, *counts, sample, str(row.classes), row.what, here)
        terms.add_row(row.name, row.licence, row.note)
    yield table
    yield terms
    yield Text(f"data folder: {folder}")
    for row in rows:
        if not row.present:
            yield Text(f"{row.name} is not there: {row.command}")


def models_tables(reports):
    """The list of ``mcuref models``."""
    table = plain_table("model", "input", "outputs", "parameters", "MACs forward", "SRAM", "flash", "<what")
    for report in reports:
        table.add_row(
            report["name"], "x".join(map(str, report["input"])), str(report["outputs"]), f"{report['parameters']:,}",
            f"{report['macs_forward']:,}", f"{report['sram_bytes']:,} B", f"{report['flash_bytes']:,} B",
            report["what"],
        )  # fmt: skip
    yield table
    yield note(
        "outputs of a convolutional model are the classes of the data; SRAM and flash: to train all layers by "
        "tinypropv2, batch 1"
    )


def model_tables(report):
    """One model with its layers."""
    yield Text(f"{report['name']}: {report['what'] or 'no description'}")
    table = plain_table("layer", "shape", "parameters", "MACs forward", "<from")
    previous = None
    for row in report["layers"]:
        fed_by = "" if row["from"] in ([previous], []) else " + ".join(row["from"])
        table.add_row(
            row["layer"], "x".join(map(str, row["shape"])), f"{row['parameters']:,}", f"{row['macs_forward']:,}", fed_by
        )
        previous = row["layer"]
    table.add_section()
    table.add_row("sum", "", f"{report['parameters']:,}", f"{report['macs_forward']:,}", "")
    yield table
    yield Text(
        f"to train all layers by tinypropv2, batch 1: {report['sram_bytes']:,} B of SRAM, "
        f"{report['flash_bytes']:,} B of flash; loss {report['loss']}"
    )


def checks_table(checks):
    """The list of ``mcuref doctor``: (what, ok or None where an optional thing is missing, found)."""
    table = plain_table("check", "<ok", "<found")
    for what, ok, found in checks:
        mark = Text("-") if ok is None else Text("yes", style="green") if ok else Text("NO", style="bold red")
        table.add_row(what, mark, found)
    return table


def bench_tables(rows, forward):
    """The list of ``mcuref bench``, and the rate of one dense forward pass."""
    table = plain_table("model", "<method", "steps/s", "us/step", "against PyTorch", "skipped")
    for row in rows:
        ratio = row["ratio_to_torch"]
        table.add_row(
            row["model"], row["method"], f"{row['steps_per_second']:,.0f}", f"{1e6 / row['steps_per_second']:.2f}",
            "-" if ratio is None else f"{ratio:.1f}x", percent(row["samples_skipped"]),
        )  # fmt: skip
    yield table
    yield Text(
        f"dense forward 128x784: {forward['mcuref']:.1f} GMAC/s (NumPy's matrix-vector product: {forward['numpy']:.1f})"
    )
