"""One more layer changes no output."""

import pytest
from hypothesis import given

from mcuref import AveragePool2D, Dense, Flatten, GlobalAveragePool, Input, MaxPool2D, ReLU, ReLU6
from mcuref.incremental.deepening import deepen

from .networks import BLOCKS, IMAGE, PADDED, RANDOM, chains, learned, outputs, samples


@RANDOM
@given(chains())
def test_deeper_networks_keep_outputs_to_the_bit(old):
    resized, x = deepen(old), samples(old)
    new = resized.network
    assert len(new.layers) == len(old.layers) + 2 and new.name == old.name
    assert outputs(new, x).tobytes() == outputs(old, x).tobytes()
    for i, source in enumerate(resized.layers):
        if source is not None:
            assert new.layers[i] == old.layers[source]
            for kind in new.parameter_shapes(i):
                before = old.parameters[f"{old.names[source]}.{kind}"]
                assert new.parameters[f"{new.names[i]}.{kind}"].tobytes() == before.tobytes()


@pytest.mark.parametrize("layers, position, words", [
    ([Input((4,)), Dense(7), ReLU(), Dense(3), ReLU6(), Dense(2)], None, "relu61 dense3 relu2 dense4"),
    ([Input((4,)), Dense(7), ReLU(), Dense(3), ReLU6(), Dense(2)], 2, "relu1 dense2 relu2 dense3"),
    ([Input((4,)), Dense(7), ReLU(), Dense(3), Dense(2)], None, "relu1 dense2 relu2 dense3"),
    (IMAGE, None, "relu2 dense2 relu3 dense3"),
    (IMAGE, 5, "maxpool1 conv2 relu2 flatten1"),
    (IMAGE, 6, "flatten1 dense1 relu2 dense2"),
    ([*PADDED, MaxPool2D(2), AveragePool2D(1), Flatten(), Dense(3)], None, "avgpool1 conv2 relu2 flatten1"),
    ([*PADDED, GlobalAveragePool(), Dense(3)], None, "relu61 conv2 relu2 globalavgpool1"),
    ([*PADDED, GlobalAveragePool(), Dense(3)], 5, "globalavgpool1 dense1 relu2 dense2"),
    (BLOCKS, None, "maxpool1 conv5 relu5 flatten1"),
    (BLOCKS, 5, "relu2 conv3 relu3 conv4"),
])  # fmt: skip
def test_where_a_new_layer_stands(layers, position, words):
    old = learned(layers)
    new = deepen(old, position=position).network
    assert words in " ".join(new.names)
    x = samples(old)
    assert outputs(new, x).tobytes() == outputs(old, x).tobytes()
