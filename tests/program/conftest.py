"""Shared by the tests of programs."""

import hashlib

import pytest

from mcuref import compile


@pytest.fixture(scope="session")
def twin():
    """twin(program): a second program compiled from the same things, with an arena of its own."""

    def twin(program):
        return compile(
            program.network,
            program.rule,
            program.optimiser,
            loss=program.loss,
            policy=program.policy,
            trainable=len(program.trainable),
            wrt=program.wrt,
            arithmetic=program.arithmetic,
        )

    return twin


@pytest.fixture(scope="session")
def flash_hash():
    """flash_hash(program): of all bytes that training must never change."""
    return lambda program: hashlib.sha256(program.arena.flash.tobytes()).hexdigest()
