import io

import images
import numpy as np
import pytest
from common import InputError


def test_a_missing_package_is_named():
    with pytest.raises(InputError, match=r"lacks the module no_such_package; pip install '\.\[data\]'"):
        images.optional("no_such_package")


@pytest.mark.parametrize("mode, size", [("RGB", (64, 64)), ("L", (96, 64)), ("CMYK", (64, 160)), ("RGB", (20, 10))])
def test_square_image_has_the_mean_of_the_centre(mode, size):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    content = io.BytesIO()
    pillow.new(mode, size, 100).save(content, "jpeg")
    array = images.square_image(content.getvalue(), "test", 32)
    assert array.shape == (32, 32, 3) and array.dtype == np.uint8
    assert np.ptp(array, axis=(0, 1)).max() <= 1


@pytest.mark.parametrize("size", [(128, 64), (64, 129)])
def test_square_image_averages_whole_boxes_of_the_centre(size):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), np.uint8)
    content = io.BytesIO()
    pillow.fromarray(pixels).save(content, "png")  # lossless, so that the average can be compared
    top, left = (size[1] - 64) // 2, (size[0] - 64) // 2
    centre = pixels[top : top + 64, left : left + 64].reshape(32, 2, 32, 2, 3)
    array = images.square_image(content.getvalue(), "test", 32)
    assert np.abs(array - centre.mean(axis=(1, 3))).max() <= 1  # Pillow rounds after each of the two directions


@pytest.mark.parametrize("change", [lambda c: b"", lambda c: c[:300], lambda c: b"x" * 500, lambda c: c[: len(c) // 2]])
def test_square_image_refuses_a_damaged_one(change):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    content = io.BytesIO()
    pillow.effect_noise((64, 64), 50).save(content, "jpeg")
    with pytest.raises(InputError, match="rose.jpg is not an image that can be read"):
        images.square_image(change(content.getvalue()), "rose.jpg", 32)
