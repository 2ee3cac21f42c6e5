"""The zoo: models by name. Convolutional ones are TOML files in the folder ``zoo``, which are examples too."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mcuref.models.description import Model, read_model

FOLDER = Path(__file__).with_name("zoo")


def perceptron(
    name: str,
    widths: Sequence[int],
    what: str,
    shape: tuple[int, ...] | None = None,
    channels: int = 1,
    loss: str = "softmax_cross_entropy",
) -> Model:
    """Dense layers of these widths (inputs first) with ReLU between them; the last width is fixed."""
    hidden = [entry for w in widths[1:-1] for entry in ({"kind": "dense", "outputs": w}, {"kind": "relu"})]
    layers = ({"kind": "flatten"},) if shape and len(shape) > 1 else ()
    layers += (*hidden, {"kind": "dense", "outputs": widths[-1]})
    return Model(name, shape or tuple(widths[:1]), layers, widths[-1], what, channels, loss)


ZOO = {
    model.name: model
    for model in (
        perceptron("mlp-64-32-10", (64, 32, 10), "8x8 digits", (8, 8, 1)),
        perceptron("mlp-784-32-10", (784, 32, 10), "28x28 images, fits most parts", (28, 28, 1)),
        perceptron("mlp-784-128-64-10", (784, 128, 64, 10), "28x28 images, 109,184 weights", (28, 28, 1)),
        perceptron("mlp-har", (1152, 64, 32, 6), "UCI HAR, windows of 128 x 9 values", (128, 9), 9),
        perceptron(
            "autoencoder",
            (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640),
            "MLPerf Tiny anomaly detection, 5 frames of 128 log-mel bands (Banbury et al. 2021), BatchNorm folded",
            loss="reconstruction",
        ),
    )
} | {path.stem: replace(read_model(path), text=None) for path in sorted(FOLDER.glob("*.toml"))}
