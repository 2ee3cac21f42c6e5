"""What several tests of incremental learning watch."""

import pytest

from mcuref.incremental.cycle import Cycle


@pytest.fixture
def allocated(monkeypatch):
    """Cycles, in the order in which they were allocated."""
    cycles, allocate = [], Cycle.allocate

    def spy(cycle):
        cycles.append(cycle)
        return allocate(cycle)

    monkeypatch.setattr(Cycle, "allocate", spy)
    return cycles
