"""Sizes, banks, targets and budgets: exact figures, the adjacency rule, and one-sentence refusals."""

import itertools
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref.errors import InputError
from mcuref.memory import targets
from mcuref.memory.targets import FPUS, MAX_BYTES, TARGETS, Bank, Budget, Target, find_target, format_size, parse_size

KIB = 1024
MIB = 1024 * KIB


def refusal(call, *args, **kwargs):
    """The sentence of the InputError that call raises: one line, no full stop in the middle of two sentences."""
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    sentence = str(caught.value)
    assert "\n" not in sentence and ". " not in sentence, sentence
    return sentence


# sizes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (262144, 262144), ("262144", 262144), ("262_144", 262144), ("0", 0), (0, 0), ("7 b", 7), ("7B", 7),
        ("256KiB", 256 * KIB), ("256k", 256 * KIB), ("256K", 256 * KIB), ("64 KiB", 64 * KIB), ("64kB", 64 * KIB),
        ("64KB", 64 * KIB), ("1MiB", MIB), ("1M", MIB), ("1 mb", MIB), ("  2\tkib ", 2 * KIB), ("+3k", 3 * KIB),
        ("1.5KiB", 1536), ("0.5k", 512), ("1.50M", 1572864), ("0.0009765625k", 1), ("2.0", 2),
        (MAX_BYTES, MAX_BYTES), ("1048576M", MAX_BYTES),
    ],
)  # fmt: skip
def test_parse_size_accepts(text, expected):
    size = parse_size(text, "sram")
    assert size == expected and type(size) is int


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "k", "KiB", "abc", "12q", "12kbit", "1G", "1 2k", "12 k B", "0x100", "1e3", "1e3k", "nan", "inf",
        "-inf", "1,024", "1.", ".5k", "1.2.3k", "_1", "1_", "1__0", "1_.5k", "--1", "1k\nrm", "1\u212a", "\u0661\u0662",
        "1.3k", "0.1", "1.0001M", "-1", "-1k", "1048577M", "9" * 30, "9" * 5000, "1" + "0" * 31 + "k", "0." + "0" * 99,
        None, True, False, 1.5, 2.0, math.nan, math.inf, b"12", [1], {}, -1, MAX_BYTES + 1, 10**5000, -(10**5000),
    ],
    ids=lambda text: ascii(text)[:20] if not isinstance(text, int) or abs(text) < 2**64 else "monstrous",
)  # fmt: skip
def test_parse_size_refuses_and_names_the_size(text):
    sentence = refusal(parse_size, text, "--sram")
    assert sentence.startswith("--sram is ") and len(sentence) < 200


@pytest.mark.parametrize(
    ("text", "minimum", "words"),
    [
        ("12 quarks", 0, ["'12 quarks'", "256KiB"]),
        ("1.3k", 0, ["'1.3k'", "not a whole number of bytes"]),
        (True, 0, ["True", "256KiB"]),
        (-5, 0, ["-5", "at least 0"]),
        ("-5k", 0, ["-5120", "at least 0"]),
        ("0", 1, ["0 bytes", "at least 1 "]),
        (10**25, 0, ["is beyond 2**64 bytes", "at most"]),
        (MAX_BYTES + 1, 0, [str(MAX_BYTES + 1), "at most 1,099,511,627,776"]),
    ],
)
def test_parse_size_says_value_and_remedy(text, minimum, words):
    sentence = refusal(parse_size, text, "sram", minimum=minimum)
    for word in words:
        assert word in sentence


def test_parse_size_survives_a_value_that_cannot_be_printed():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert "a Broken" in refusal(parse_size, Broken(), "sram")


@given(
    st.text() | st.from_regex(r"[+-]?[0-9_.]{0,40} ?[kKmMiIbB]{0,4}") | st.integers() | st.floats() | st.none(),
    st.integers(0, 2),
)
def test_parse_size_returns_bytes_or_raises_input_error(text, minimum):
    try:
        size = parse_size(text, "sram", minimum=minimum)
    except InputError as error:
        assert str(error).startswith("sram is ")
    else:
        assert type(size) is int and minimum <= size <= MAX_BYTES


@given(st.integers(0, MAX_BYTES))
def test_parse_size_undoes_every_way_of_writing_bytes(n):
    for text in (n, str(n), f"{n:_}", f"{n} B", f"{n}b"):
        assert parse_size(text, "flash") == n


@given(st.integers(0, 2**20), st.sampled_from(["k", "K", "kB", "KB", "KiB", "kib", "M", "MB", "mb", "MiB"]))
def test_parse_size_units_are_powers_of_1024(n, unit):
    assert parse_size(f"{n}{unit}", "flash") == n * (MIB if unit[0] in "mM" else KIB)


@given(st.integers(0, 2**20), st.integers(0, 1023))
def test_parse_size_decimals_are_exact(kib, rest):
    exact = f"{kib}.{rest * 9765625:010d}"  # rest / 1024 has ten decimals, all of them written
    assert parse_size(exact + "KiB", "flash") == kib * KIB + rest


@pytest.mark.parametrize(
    ("n", "long", "short"),
    [
        (0, "0 B", "0 B"),
        (1023, "1,023 B", "1,023 B"),
        (1024, "1,024 B (1.0 KiB)", "1 KiB"),
        (1536, "1,536 B (1.5 KiB)", "1.5 KiB"),
        (262144, "262,144 B (256.0 KiB)", "256 KiB"),
        (10240, "10,240 B (10.0 KiB)", "10 KiB"),
        (2016 * KIB, "2,064,384 B (2016.0 KiB)", "2016 KiB"),
        (2 * MIB, "2,097,152 B (2.0 MiB)", "2 MiB"),
        (-1536, "-1,536 B (-1.5 KiB)", "-1.5 KiB"),
    ],
)
def test_format_size(n, long, short):
    assert format_size(n) == long
    assert format_size(n, short=True) == short


@given(st.integers(1, 2**20))
def test_short_form_of_whole_kib_parses_back(kib):
    assert parse_size(format_size(kib * KIB, short=True), "sram") == kib * KIB


# banks: the largest run of adjacent ones


def made_of(*banks):
    return Target("made", "MADE-UP", "nobody", "Cortex-M4F", "single", 1, tuple(Bank(*bank) for bank in banks), "none")


@pytest.mark.parametrize(
    ("banks", "sram", "flash"),
    [
        ([], 0, 0),
        ([("a", "sram", 100, 10)], 10, 0),
        ([("a", "sram", 0, 10), ("b", "sram", 10, 20)], 30, 0),
        ([("b", "sram", 10, 20), ("c", "sram", 30, 5), ("a", "sram", 0, 10)], 35, 0),
        ([("a", "sram", 0, 10), ("b", "sram", 11, 20)], 20, 0),
        ([("a", "sram", 0, 10), ("b", "sram", 10, 10), ("c", "sram", 21, 15)], 20, 0),
        ([("a", "sram", 0, 10), ("b", "sram", 11, 5), ("c", "sram", 16, 9)], 14, 0),
        ([("a", "sram", 0, 10), ("f", "flash", 10, 7), ("b", "sram", 17, 4)], 10, 7),
        ([("f", "flash", 0, 7), ("a", "sram", 7, 10), ("g", "flash", 17, 8), ("h", "flash", 25, 1)], 10, 9),
    ],
    ids=["none", "single", "adjacent", "unordered", "gap of one", "best first", "best last", "interleaved", "flash"],
)
def test_largest_run(banks, sram, flash):
    target = made_of(*banks)
    assert (target.sram, target.flash) == (sram, flash)
    assert target.sram_total == sum(size for _, kind, _, size in banks if kind == "sram")
    assert target.flash_total == sum(size for _, kind, _, size in banks if kind == "flash")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=8), st.randoms())
def test_largest_run_is_the_longest_gap_free_stretch(layout, random):
    """Oracle: mark every byte, and count the longest stretch of marked ones."""
    banks, memory = [], []
    for gap, size in layout:
        memory += [" "] * gap
        banks.append((f"b{len(banks)}", "sram", len(memory), size))
        memory += ["x"] * size
    random.shuffle(banks)
    assert made_of(*banks).sram == max(len(stretch) for stretch in "".join(memory).split(" "))


@pytest.mark.parametrize("bank", [("a", "ram", 0, 1), ("a", "sram", 0, 0), ("a", "sram", -1, 1), ("a", "flash", 0, 1.5)])
def test_bank_refuses(bank):
    assert "'a'" in refusal(Bank, *bank)


# the table of parts


def test_table_is_large_and_its_names_are_unique():
    assert len(TARGETS) >= 20
    assert len(TARGETS) == len(targets._PARTS)
    assert len({target.part for target in TARGETS.values()}) == len(TARGETS)


@pytest.mark.parametrize("key", TARGETS)
def test_target_is_well_formed(key):
    target = TARGETS[key]
    assert target.name == key == key.lower() and key.isalnum()
    assert target.part and target.vendor and target.core and target.datasheet
    assert target.fpu in FPUS and 10_000_000 <= target.clock_hz <= 1_000_000_000
    assert 0 < target.sram <= target.sram_total and 0 < target.flash <= target.flash_total
    assert target.sram < target.flash, "a typing slip: on every part listed, flash is larger than SRAM"
    assert len({bank.name for bank in target.banks}) == len(target.banks)
    ordered = sorted(target.banks, key=lambda bank: bank.address)
    for lower, upper in itertools.pairwise(ordered):
        assert lower.end <= upper.address, f"{lower.name} overlaps {upper.name}"
    assert ordered[-1].end <= 2**32 and all(bank.address % 1024 == 0 for bank in ordered)


@pytest.mark.parametrize(
    "core", ["Cortex-M0", "Cortex-M0+", "Cortex-M3", "Cortex-M4F", "Cortex-M7", "Cortex-M33", "Cortex-M55", "RV32"]
)
def test_core_is_represented(core):
    cores = {target.core for target in TARGETS.values()}
    assert core in cores or (core == "RV32" and any(name.startswith(core) for name in cores))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_fpu_agrees_with_core(target):
    allowed = {"Cortex-M4F": {"single"}, "Cortex-M7": {"single", "double"}, "Cortex-M33": {"single"}}
    allowed |= {"Cortex-M55": {"double"}, "Cortex-M85": {"double"}, "RV32IMAFC": {"single"}, "Xtensa LX7": {"single"}}
    assert target.fpu in allowed.get(target.core, {"none"})


@pytest.mark.parametrize(
    ("key", "sram", "sram_total", "flash", "mhz", "fpu"),
    [
        ("nrf52840", 256, 256, 1024, 64, "single"),
        ("stm32f746", 320, 336, 1024, 216, "single"),
        ("stm32h743", 512, 1056, 2048, 480, "double"),
        ("nrf51822", 16, 16, 256, 16, "none"),
        ("rp2040", 264, 264, 2048, 133, "none"),
        ("rp2350", 520, 520, 4096, 150, "single"),
        ("mkl25z", 16, 16, 128, 48, "none"),
        ("lpc1768", 32, 64, 512, 100, "none"),
        ("stm32l152", 80, 80, 512, 32, "none"),
        ("stm32f407", 128, 192, 1024, 168, "single"),
        ("stm32l476", 96, 128, 1024, 80, "single"),
        ("stm32l4r5", 640, 640, 2048, 120, "single"),
        ("apollo3", 384, 384, 1024, 96, "single"),
        ("stm32f767", 512, 528, 2048, 216, "double"),
        ("imxrt1062", 768, 1024, 8192, 600, "double"),
        ("stm32u575", 768, 784, 2048, 160, "single"),
        ("apollo510", 3072, 3824, 4032, 250, "double"),
        ("esp32c3", 384, 384, 4096, 160, "none"),
        ("esp32c6", 512, 512, 4096, 160, "none"),
        ("esp32s3", 416, 416, 8192, 240, "single"),
        ("bl602", 144, 144, 2048, 192, "single"),
        ("fe310", 16, 16, 4032, 320, "none"),
        ("rp2350riscv", 520, 520, 4096, 150, "none"),
    ],
)
def test_exact_figures(key, sram, sram_total, flash, mhz, fpu):
    """KiB as the data sheets print them, where the sum of the banks or the run of adjacent ones could be mistyped."""
    target = TARGETS[key]
    assert (target.sram, target.sram_total) == (sram * KIB, sram_total * KIB)
    assert (target.flash, target.flash_total) == (flash * KIB, flash * KIB)
    assert (target.clock_hz, target.fpu) == (mhz * 1_000_000, fpu)


def test_find_target_ignores_case_and_blanks():
    assert find_target(" nRF52840 ") is TARGETS["nrf52840"]
    assert all(find_target(key.upper()) is target for key, target in TARGETS.items())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nrf52841", ["'nrf52841'", "did you mean", "nrf52840"]),
        ("nRF52840-QIAA", ["'nRF52840-QIAA'; did you mean nrf52840? `mcuref", "lists"]),
        ("STM32F764", ["stm32f746", "stm32f767"]),
        ("toaster", ["'toaster'; `mcuref"]),
        ("", ["''"]),
        (None, ["None"]),
        (["nrf52840"], ["['nrf52840']"]),
    ],
)
def test_find_target_unknown(name, words):
    sentence = refusal(find_target, name)
    for word in [*words, "`mcuref targets` lists them"]:
        assert word in sentence
    assert ("did you mean" in sentence) == (len(words) > 1)


@given(st.text())
def test_find_target_returns_a_target_or_raises_input_error(name):
    try:
        assert find_target(name).name == name.strip().lower()
    except InputError as error:
        assert "mcuref targets" in str(error)


# budgets


def test_budget_of_a_target():
    target = TARGETS["stm32h743"]
    assert target.budget() == Budget(512 * KIB, 2048 * KIB, 2048, "stm32h743", "m7")
    assert target.budget(stack=8192).arena == 504 * KIB


def test_every_target_has_a_budget():
    for target in TARGETS.values():
        budget = target.budget()
        assert (budget.sram, budget.flash, budget.name) == (target.sram, target.flash, target.name)
        assert budget.arena == target.sram - 2048


def test_budget_defaults_and_unlimited():
    budget = Budget(None, None)
    assert budget == Budget(sram=None, flash=None, stack=2048, name="")
    assert budget.arena is None
    assert Budget(None, 1, stack=10**6).arena is None
    assert Budget(1, None, stack=0).arena == 1
    assert Budget(2049, None).arena == 1


def test_budget_keeps_plain_integers():
    class Index(int):
        """Stands for a NumPy integer, which the JSON writer would refuse."""

    budget = Budget(Index(4096), Index(8192), Index(0))
    assert {type(value) for value in (budget.sram, budget.flash, budget.stack)} == {int}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"sram": 0}, "sram"), ({"sram": -1}, "sram"), ({"sram": True}, "sram"), ({"sram": 4096.0}, "sram"),
        ({"sram": "4096"}, "sram"), ({"sram": MAX_BYTES + 1}, "sram"), ({"sram": math.nan}, "sram"),
        ({"flash": 0}, "flash"), ({"flash": -1}, "flash"), ({"flash": False}, "flash"), ({"flash": "1M"}, "flash"),
        ({"stack": -1}, "stack"), ({"stack": None}, "stack"), ({"stack": 1.0}, "stack"), ({"stack": True}, "stack"),
        ({"name": None}, "name"), ({"name": 3}, "name"),
    ],
)  # fmt: skip
def test_budget_refuses(arguments, field):
    assert field in refusal(Budget, **({"sram": 65536, "flash": 65536} | arguments))


@pytest.mark.parametrize("stack", [2048, 2049, 10**6])
def test_budget_refuses_a_stack_that_leaves_nothing(stack):
    sentence = refusal(Budget, 2048, None, stack=stack)
    assert f"{stack:,}" in sentence and "2,048 bytes of sram" in sentence


def test_a_budget_cannot_be_changed():
    with pytest.raises(AttributeError):
        Budget(4096, None).stack = 0


def test_module_does_not_load_numba():
    """`estimate` must answer at once."""
    code = "import sys, mcuref.memory.targets; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
