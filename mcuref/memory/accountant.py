"""The accountant: what a plan costs, region by region, and whether a budget holds it. It refuses; it does not advise.

A plan is made of placements, each a buffer with the first and last instruction that need it and its offset in the arena.
The same placements are the estimate, the allocation and the report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from mcuref.errors import McurefError
from mcuref.memory import planner
from mcuref.memory.buffers import REGIONS, Buffer, aligned
from mcuref.memory.targets import Budget, assumed_core, format_size

UNMEASURED = (
    "code of the kernels and of the firmware (flash), and instructions: known for a target with a Cortex-M0 to M7, M33 or "
    "M55, or with RV32IMAC or RV32IMAFC",
    "stack beyond the reserve taken off the SRAM budget",
)
OUTSIDE = (
    "the raw sample before it is loaded, and stored data sets: they stay in the sensor's buffer or in other memory",
    "drivers, interrupts and whatever else a firmware does",
)


class Needs(NamedTuple):
    """Bytes that a program needs of each region, the plan and, where the core was measured, the firmware around it.

    ``sram`` is the arena, and what the stack needs beyond the budget's reserve; ``flash`` the plan and ``code``.
    """

    sram: int
    flash: int
    code: int = 0


@dataclass(frozen=True)
class Placement:
    """A buffer's place: lifetime in instructions (both inclusive), byte offset in the arena, whose bytes it reuses."""

    buffer: Buffer
    first: int
    last: int
    offset: int
    shares: str = ""


class Plan:
    """Places of all buffers of a program in one arena [sram | flash]; bytes everywhere.

    Parameters
    ----------
    groups : list of lists of (buffer, first, last). Buffers of a group follow one another in the same bytes (in-place
        results); a persistent buffer is a group of its own and lives through the whole program.
    """

    def __init__(self, groups: Sequence[Sequence[tuple[Buffer, int, int]]]) -> None:
        self._persistent, self._transient, offsets, base = {}, {}, {}, 0
        self._sizes = {}
        for region in REGIONS:
            mine = [group for group in groups if group[0][0].region == region]
            self._place(region, mine, base, offsets)
            base += self._sizes[region]
        self.offsets = {buffer: offsets[group[0][0]] for group in groups for buffer, _, _ in group}
        self.placements = tuple(
            Placement(buffer, first, last, self.offsets[buffer], group[0][0].name if i else "")
            for group in groups
            for i, (buffer, first, last) in enumerate(group)
        )

    def _place(self, region, groups, base, offsets):
        """Put a region's groups behind ``base``: what persists first, largest first, then what shares."""
        end = base
        for buffer in sorted((g[0][0] for g in groups if g[0][0].persistent), key=lambda b: -b.size):
            offsets[buffer] = end
            end += aligned(buffer.size)
        transient = [g for g in groups if not g[0][0].persistent]
        lifetimes = [
            (max(aligned(b.size) for b, _, _ in g), min(first for _, first, _ in g), max(last for _, _, last in g))
            for g in transient
        ]
        places = planner.plan(lifetimes)
        offsets.update((g[0][0], end + offset) for g, offset in zip(transient, places))
        self._persistent[region] = end - base
        self._transient[region] = lifetimes
        self._sizes[region] = end - base + planner.extent(lifetimes, places)

    @property
    def sram(self) -> int:
        """Bytes of SRAM: state that persists and the shared area."""
        return self._sizes["sram"]

    @property
    def flash(self) -> int:
        """Bytes of flash: start image or frozen weights, constants, the program table."""
        return self._sizes["flash"]

    def lower_bound(self, region: str) -> int:
        """Bytes no plan can do without: what persists and the largest sum alive at one instruction."""
        return self._persistent[region] + planner.lower_bound(self._transient[region])

    @property
    def state(self) -> int:
        """Bytes of SRAM that outlive a sample; they are its beginning."""
        return self._persistent["sram"]

    def shared(self, region: str) -> int:
        """Bytes of the area in which buffers share."""
        return self._sizes[region] - self._persistent[region]

    def overhead(self, region: str) -> float:
        """Size over lower bound of the area in which buffers share (what persists left out): 1 is perfect."""
        bound = planner.lower_bound(self._transient[region])
        return self.shared(region) / bound if bound else 1.0

    def alive(self, region: str, instruction: int) -> list[Placement]:
        """Placements that hold a needed value at an instruction, by offset; of an in-place chain, the newest."""
        alive = {}
        for p in self.placements:
            if p.buffer.region == region and p.first <= instruction <= p.last:
                alive[p.offset] = p
        return sorted(alive.values(), key=lambda p: p.offset)

    @cached_property
    def peak(self) -> int:
        """Index of the first instruction at which most bytes of SRAM are alive."""
        spans = self._transient["sram"]
        return max(
            (first for _, first, _ in spans),
            key=lambda i: (sum(size for size, first, last in spans if first <= i <= last), -i),
            default=0,
        )

    def requested(self, region: str) -> int:
        """Bytes asked for at the peak, before alignment: what persists and what is alive at that instruction."""
        return sum(p.buffer.size for p in self.alive(region, self.peak))

    def categories(self) -> dict[str, dict[str, int]]:
        """{category: {"sram": bytes, "flash": bytes}} of aligned bytes.

        Bytes shared over time count for each buffer; a result in place counts as the buffer it overwrites.
        """
        totals = {}
        for p in self.placements:
            if not p.shares:
                row = totals.setdefault(p.buffer.category, dict.fromkeys(REGIONS, 0))
                row[p.buffer.region] += aligned(p.buffer.size)
        return totals


class BudgetExceeded(McurefError):
    """A plan does not fit its budget. Nothing was started, nothing was written.

    Attributes
    ----------
    method : str, of the update rule whose program does not fit; of several, the one that needs most; None of inference.
    region : str, "sram" or "flash".
    needed, allowed, over_by : int, bytes.
    alive : list of (name, bytes) of the buffers alive at the peak, largest first.
    needs : :class:`Needs` of the program.
    suggestions : list of {"change": str, "sram": int, "flash": int}: changes that fit, each planned, in bytes.
    """

    def __init__(
        self, method: str | None, plan: Plan, needs: Needs, budget: Budget, suggestions: list[dict[str, Any]]
    ) -> None:
        self.method, self.needs = method, needs
        self.region, self.needed, self.allowed = next(_overrun(needs, budget))
        self.over_by = self.needed - self.allowed
        alive = ((p.buffer.name, p.buffer.size) for p in plan.alive(self.region, plan.peak))
        self.alive = sorted(alive, key=lambda row: -row[1])
        self.budget, self.suggestions = budget, suggestions
        super().__init__(self._sentence())

    def _sentence(self):
        name = f" of {self.budget.name}" if self.budget.name else ""
        reserve = f" (after {self.budget.stack:,} B of stack)" if self.region == "sram" and self.budget.stack else ""
        assumed = assumed_core(self.budget.name, self.budget.core)
        core = f", as on a {assumed}; --target names another part" if assumed else ""
        code = f" ({self.needs.code:,} B of it code{core})" if self.region == "flash" and self.needs.code else ""
        largest = ", ".join(f"{n} {b:,} B" for n, b in self.alive[:3])
        fits = "; ".join(f"{s['change']} ({s['sram']:,} B sram, {s['flash']:,} B flash)" for s in self.suggestions)
        what = "inference" if self.method is None else f"training by {self.method}"
        return (
            f"{what} needs {format_size(self.needed)} of {self.region}{code} but the budget{name} leaves "
            f"{format_size(self.allowed)}{reserve}: {self.over_by:,} B too many (largest at the peak: {largest}); "
            + (f"what would fit: {fits}" if fits else "no smaller variant that was tried fits")
        )


def allowance(budget: Budget, region: str) -> int | None:
    """Bytes of a region that the arena may use, or None if unlimited; the stack reserve is taken off SRAM."""
    return budget.arena if region == "sram" else budget.flash


def excess(needs: Needs | Plan, budget: Budget) -> str | None:
    """The first region that :class:`Needs` (or a plan alone) overrun, or None."""
    return next((region for region, _, _ in _overrun(needs, budget)), None)


def _overrun(needs: Needs | Plan, budget: Budget) -> Iterator[tuple[str, int, int]]:
    """(region, bytes needed, bytes allowed) of those that are too small."""
    for region, needed in (("sram", needs.sram), ("flash", needs.flash)):
        allowed = allowance(budget, region)
        if allowed is not None and needed > allowed:
            yield region, needed, allowed
