"""What several tests of incremental learning watch."""

import pytest

from mcuref.incremental.memory import LearnerMemory


@pytest.fixture
def allocated(monkeypatch):
    """Memories of learners, in the order in which they were allocated."""
    memories, allocate = [], LearnerMemory.allocate

    def spy(memory):
        memories.append(memory)
        return allocate(memory)

    monkeypatch.setattr(LearnerMemory, "allocate", spy)
    return memories
