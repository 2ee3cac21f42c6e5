"""FNV-1a by known answers, and continued from part to part."""

import numpy as np
import pytest

from mcuref.kernels.hashing import START, fnv1a


def hashed(data, start=START):
    return int(fnv1a(np.frombuffer(data, np.uint8), start))


@pytest.mark.parametrize("data, answer", [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)])
def test_known_answers(data, answer):
    assert hashed(data) == answer


def test_a_hash_continues_where_it_stopped():
    assert hashed(b"bar", hashed(b"foo")) == hashed(b"foobar")
    assert hashed(bytes(range(256)) * 9) == hashed(bytes(range(256)) * 5, hashed(bytes(range(256)) * 4)) < 2**32
