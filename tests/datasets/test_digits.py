import time

import numpy as np
import pytest

from mcuref.datasets import digits, load
from mcuref.errors import InputError


def test_shapes_and_range():
    data = load("digits")
    assert (data.name, data.kind, data.classes) == ("digits", "image", 10)
    assert data.x_train.shape == (1437, 8, 8, 1) and data.x_test.shape == (360, 8, 8, 1)
    assert data.x_train.dtype == np.uint8 and data.x_train.max() == 16 and data.x_test.max() == 16
    assert (data.mean.tolist(), data.scale.tolist()) == ([0], [1 / 16])


def test_known_content():
    data = load("digits")
    assert data.x_train[0, :2, :, 0].tolist() == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]
    assert data.y_train[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert data.y_test[-5:].tolist() == [9, 0, 8, 9, 8]
    counts = np.bincount(np.concatenate([data.y_train, data.y_test])).tolist()
    assert counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as scikit-learn documents


def test_loading_is_quick():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        load("digits")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    changed = tmp_path / "digits.csv.gz"
    changed.write_bytes(digits.FILE.read_bytes() + b"\0")
    monkeypatch.setattr(digits, "FILE", changed)
    with pytest.raises(InputError, match="has been changed.*reinstall"):
        load("digits")


def test_a_missing_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "FILE", tmp_path / "digits.csv.gz")
    with pytest.raises(InputError, match="digits.csv.gz cannot be read.*reinstall"):
        load("digits")
    assert not digits.describe().present


def test_provenance_is_beside_the_file():
    readme = digits.FILE.with_name("README.md").read_text()
    for fact in (digits.SHA256, str(digits.FILE.stat().st_size), "CC BY 4.0", "10.24432/C50P49"):
        assert fact in readme
