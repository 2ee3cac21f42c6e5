"""Against PyTorch: full training of the same network on the same samples gives the same weights, up to rounding."""

import numpy as np
import pytest

import mcuref

torch = pytest.importorskip("torch", reason='PyTorch is not installed: pip install "mcuref[peers]"')

STEPS = 300


def torch_weights(network, x, y, rate):
    """Parameters after one dense SGD step a sample, batch 1, float64: {"dense1.weights": ...}."""
    torch.set_num_threads(1)
    parameters = {
        name: torch.tensor(value.astype(np.float64), requires_grad=True) for name, value in network.parameters.items()
    }
    count = len(network.parametric)
    for sample, label in zip(torch.tensor(x), torch.tensor(y)):
        z = sample
        for i in range(1, count + 1):
            z = parameters[f"dense{i}.weights"] @ z + parameters[f"dense{i}.bias"]
            z = torch.relu(z) if i < count else z
        loss = torch.nn.functional.cross_entropy(z[None], label[None])
        for parameter, gradient in zip(parameters.values(), torch.autograd.grad(loss, parameters.values())):
            with torch.no_grad():
                parameter -= rate * gradient
    return {name: parameter.detach().numpy() for name, parameter in parameters.items()}


def test_full_training_equals_pytorch_to_rounding():
    data = mcuref.load_data("digits")
    network = mcuref.build("mlp-64-33-17-10", data, seed=3)
    program = mcuref.compile(network, mcuref.Full(), mcuref.SGD(0.02, "constant"))
    program.train(data.x_train[:STEPS], data.y_train[:STEPS])
    x = data.x_train[:STEPS].reshape(STEPS, -1) / 16.0
    expected = torch_weights(network, x, data.y_train[:STEPS].astype(np.int64), float(np.float32(0.02)))
    for name, value in program.parameters().items():
        # each of 300 updates rounds a weight below 1 by at most 2^-25: 9e-6 if all rounded the same way (measured: 5e-7);
        # one forgotten step would be about 1e-2
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=STEPS * 2.0**-25, err_msg=name)
