"""The fuzzers run in processes of their own, which find the kernels compiled."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def found_compiled(compiled_executor):
    """By this process, at a time when no other one compiles them too."""
