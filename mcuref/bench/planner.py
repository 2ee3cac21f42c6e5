"""How near plans of hard problems come to their lower bounds, and how long that takes.

As a command: python -m mcuref.bench.planner

Seconds of one core depend on the machine; sizes do not. The search's settings were chosen on other problems of these kinds.
"""

import time
from typing import NamedTuple

from mcuref.bench.plan_problems import KINDS, hard_problem
from mcuref.memory.planner import extent, lower_bound, plan

BUFFERS = (150, 200, 250, 300, 350, 400, 450)


class Row(NamedTuple):
    """A problem and its plan: sizes of plans over the lower bound, without and with a search."""

    buffers: int
    quick: float
    searched: float
    seconds: float


def measure(kind: str, buffers: int) -> Row:
    """Plan a problem of :func:`hard_problem`."""
    lifetimes = hard_problem(kind, buffers, seed=0)
    quick = extent(lifetimes, plan(lifetimes, steps=0))
    start = time.process_time()
    size = extent(lifetimes, plan(lifetimes))
    seconds = time.process_time() - start
    bound = lower_bound(lifetimes)
    return Row(len(lifetimes), quick / bound, size / bound, seconds)


def main() -> None:
    """Print a row for each problem, and the worst and the mean of each kind."""
    print(f"{'kind':12}{'buffers':>9}{'quick':>9}{'searched':>10}{'seconds':>9}")
    for kind in KINDS:
        rows = []
        for buffers in BUFFERS:
            rows.append(row := measure(kind, buffers))
            print(f"{kind:12}{row.buffers:9}{row.quick:9.3f}{row.searched:10.3f}{row.seconds:9.2f}", flush=True)
        ratios = [row.searched for row in rows]
        print(f"{kind:12}{'':18}mean {sum(ratios) / len(ratios):.3f}, worst {max(ratios):.3f}")


if __name__ == "__main__":
    main()
