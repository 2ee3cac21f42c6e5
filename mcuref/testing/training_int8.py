"""Training of int8 networks in plain Python integers, from the definitions: from a network's scales to its new weights.

It knows networks, rules and optimisers, and nothing of programs or of how they come to their constants: every factor, unit
and exponent is found here, in rational numbers. An error is integers q with an exponent E and a unit: q stands for
q 2^E unit. The unit is a real number that is the same for all samples, so that only E has to be computed with.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor, inf, log2, prod
from typing import Any

import numpy as np

from mcuref.baseline_rules import Biases, Channels, RandomK
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.quantization import tables
from mcuref.rules import Full, Rule, TinyPropV2, TopK
from mcuref.testing import oracles_int8 as forward
from mcuref.testing import oracles_int8_training as back
from mcuref.testing import oracles_int8_weights as weighted
from mcuref.testing.constants_int8 import (
    addition_factors,
    eight_bits,
    encoded_rate,
    fifteen_bits,
    limits,
    mean_factor,
    rescaling_factor,
    sums_factors,
)
from mcuref.testing.errors_int8 import Error, met, narrowed
from mcuref.testing.oracles_random import drawn
from mcuref.testing.rules_int8 import chosen, cut_off, decides, restricted, share_of

WEIGHTED = ("dense", "conv", "depthwise")
PASSING = ("flatten", "reshape", "maxpool", "avgpool")
SCALED = (*WEIGHTED, "relu", "add", "globalavgpool")  # the relu6 has a limit instead
BITS = {"residual": 8, "residual16": 16, "stochastic": 0, "truncated": 0}


class Trainer:
    """An int8 network while it is trained.

    Parameters
    ----------
    network, rule, optimiser, loss, trainable, policy : as of :func:`mcuref.compile`.
    update, scales : as of its arithmetic.

    Attributes
    ----------
    state : {name: list of int}, what training changes, by the names that a program's state has for it.
    most : {layer: Y_max}.
    touched : {layer: outputs of which sums of gradients are not applied yet}; in_batch: samples that these are of.
    """

    def __init__(
        self,
        network: Network,
        rule: Rule,
        optimiser: SGD,
        loss: str = "softmax_cross_entropy",
        trainable: int | None = None,
        policy: str | None = None,
        update: str = "residual",
        scales: str = "running",
    ) -> None:
        of_any: Any = network, rule, network.quantization
        self.network, self.rule, self.quantization = of_any
        self.optimiser, self.loss, self.update, self.weights = optimiser, loss, update, getattr(rule, "weights", True)
        self.scales, self.last = self.quantization.outputs, len(network.layers) - 1
        self.last -= network.layers[-1].kind == "softmax"
        count = len(network.parametric) if trainable is None else trainable
        self.trained = network.parametric[len(network.parametric) - count :]
        self.reached: list[bool] = []
        for i, sources in enumerate(network.sources):
            self.reached.append(i in self.trained or any(self.reached[j] for j in sources))
        self.batch = optimiser.batch if optimiser.batch > 1 or policy == "accumulate" else None
        self.summing = self.batch is not None or optimiser.momentum > 0
        self.places = self._places() if scales == "running" else {}
        self.state = self._start()
        self.most: dict[int, Fraction] = {}
        self.touched: dict[int, set[int]] = {i: set() for i in self.trained}
        self.in_batch = 0

    # -- what there is ---------------------------------------------------------------------------------------------------

    def _root(self, i: int) -> int:
        """The layer whose values layer i passes on."""
        passes = self.network.layers[i].kind in PASSING or i in self.quantization.fused
        return self._root(self.network.sources[i][0]) if passes else i

    def _limit(self, i: int) -> float:
        return getattr(self.network.layers[i], "limit", inf)

    def _places(self) -> dict[int, int]:
        """{layer: place of its output's exponent}, from 1 on: of what is computed in a scale that nothing else decides."""
        network, found = self.network, {}
        for i, layer in enumerate(network.layers):
            same = [j for j in range(len(network.layers)) if self._root(j) == i]
            readers = [j for j, sources in enumerate(network.sources) if set(sources) & set(same)]
            tabled = any(network.layers[j].kind in ("tanh", "sigmoid") for j in readers)
            limited = any(self._limit(j) < inf for j in same)
            wanted = self.last in same and self.loss != "softmax_cross_entropy"
            if self._root(i) == i and self.reached[i] and layer.kind in SCALED and not (tabled or limited or wanted):
                found[i] = len(found) + 1
        return found

    def _start(self) -> dict[str, list[int]]:
        network, found = self.network, {}
        bits = BITS[self.update] if self.weights else 0
        for i in self.trained:
            name, kind = network.names[i], "velocity" if self.optimiser.momentum else "gradient"
            for tensor in ("weights", "bias") if self.weights else ("bias",):
                values = network.parameters[f"{name}.{tensor}"]
                found[f"{name}.{tensor}"] = [int(value) for value in values.reshape(-1)]
                if self.summing:
                    found[f"{name}.{tensor}_{kind}"] = [0] * values.size
            for tensor in ("residual", "residual2")[: bits // 8]:
                found[f"{name}.{tensor}"] = [0] * len(found[f"{name}.weights"])
        if self.places:
            found["exponents"] = [0] * (len(self.places) + 1)
            found |= {f"{network.names[i]}.seen_so_far": [0] * 4 for i in self.places}
        if self.update == "stochastic" and self.weights:
            found["draws"] = [0]
        return found

    def exponent(self, i: int) -> int:
        """The exponent of the output of layer i."""
        return self.state["exponents"][self.places[self._root(i)]] if self._root(i) in self.places else 0

    # -- a sample --------------------------------------------------------------------------------------------------------

    def train(self, x: Sequence[int], target: Any, rate: float) -> tuple[int, bool]:
        """(what is said of the loss, whether it was trained) of a sample of int8 values, at a learning rate.

        target : the label, or int32 values in the scale of the outputs, or None.
        """
        values = self.outputs(x)
        delta, loss = self._loss(values, target)
        trains = self._decides(delta)
        if trains:
            self._go_back(values, delta, encoded_rate(rate, self.optimiser.learning_rate / self.optimiser.batch))
        for i in self.places:
            self._adapt(i, values[i])
        return loss, trains

    def outputs(self, x: Sequence[int]) -> list[list[int]]:
        """int8 values of the outputs of each layer."""
        values = [[int(value) for value in x]]
        for i in range(1, self.last + 1):
            source = [values[j] for j in self.network.sources[i]]
            values.append([int(value) for value in np.ravel(self._output(i, *source))])
        return values

    def _output(self, i: int, x: list[int], b: Any = None) -> Any:
        layer, (source, *_) = self.network.layers[i], self.network.sources[i]
        (x_scale, x_zero), (z_scale, z_zero) = self.scales[source], self.scales[i]
        doing = next((j for j in self.quantization.fused if self.network.sources[j] == (i,)), i)
        low, high = limits(self.scales[i], getattr(self.network.layers[doing], "limit", None))
        e, z_e = self.exponent(source), self.exponent(i)
        if layer.kind in WEIGHTED:
            w, bias = self._weights(i)
            scales = self.quantization.weights[self.network.names[i]]
            geometry = () if layer.kind == "dense" else (layer.geometry(self.network.input_shape(i)),)
            operation = getattr(forward, f"{layer.kind}_forward")
            return operation(
                x, w, bias, *sums_factors(x_scale, scales, z_scale), x_zero, z_zero, *geometry, low, high, e, z_e
            )
        if layer.kind == "add":
            (b_scale, b_zero), b_e = self.scales[self.network.sources[i][1]], self.exponent(self.network.sources[i][1])
            multipliers, shifts = zip(*addition_factors(x_scale, b_scale, z_scale))
            common = max(e, b_e)
            moved: Any = tuple(map(forward.grown, shifts, (e - common, b_e - common, common - z_e)))
            return forward.add_forward(x, b, (x_zero, b_zero, z_zero), multipliers, moved, low, high)
        if layer.kind == "globalavgpool":
            h, w, channels = self.network.input_shape(i)
            multiplier, shift = mean_factor(x_scale, z_scale, h * w)
            return forward.mean_forward(x, channels, x_zero, z_zero, multiplier, forward.grown(shift, e - z_e), low, high)
        if layer.kind in ("relu", "relu6") and i not in self.quantization.fused:
            multiplier, shift = rescaling_factor(x_scale, z_scale)
            return forward.rescale(x, x_zero, z_zero, multiplier, forward.grown(shift, e - z_e), low, high)
        if layer.kind in ("tanh", "sigmoid"):
            return forward.lookup(x, getattr(tables, layer.kind)(self.scales[source], self.scales[i]))
        if layer.kind in ("maxpool", "avgpool"):
            operation = forward.max_pool_forward if layer.kind == "maxpool" else forward.average_pool_forward
            return operation(x, layer.geometry(self.network.input_shape(i)))
        return x

    def _weights(self, i: int) -> tuple[list[int], list[int]]:
        names = [f"{self.network.names[i]}.{kind}" for kind in ("weights", "bias")]
        w, b = (self.state.get(name, self.network.parameters[name]) for name in names)
        return list(np.ravel(w)), list(np.ravel(b))

    def _adapt(self, i: int, y: list[int]) -> None:
        """Take note of what is seen of an output; after 64 samples its exponent follows."""
        zero, place, state = self.scales[i].zero, self.places[i], self.state[f"{self.network.names[i]}.seen_so_far"]
        ends, low, high = back.measure(y, zero)
        state[:] = state[0] + 1, state[1] + ends, max(state[2], low), max(state[3], high)
        if state[0] == 64:
            below, above = (zero + 128) * 100 // 255, (127 - zero) * 100 // 255
            if i == self.last:  # what a softmax takes never becomes finer
                below = above = -1
            e = self.state["exponents"][place]
            self.state["exponents"][place] = back.adapted([state[1:]], e, len(y) * 64 // 500, below, above)
            state[:] = [0] * 4

    # -- loss and rule ---------------------------------------------------------------------------------------------------

    def _loss(self, values: list[list[int]], target: Any) -> tuple[Error, int]:
        z, (scale, zero) = values[self.last], self.scales[self.last]
        if self.loss == "softmax_cross_entropy":
            one = Decimal(2 ** floor(log2(2**30 / len(z))))
            table = [round(one * (Decimal(scale) * -d).exp()) for d in range(256)]
            error, loss = back.softmax_cross_entropy(z, table, target, self.exponent(self.last))
            return Error(error.values.tolist(), error.exponent, Fraction(1), False), loss
        if self.loss == "reconstruction":
            x_scale, x_zero = self.scales[0]
            target = back.rescaled_target(values[0], x_zero, zero, *rescaling_factor(x_scale, scale))
        error, loss = back.mean_squared_error(z, target)
        return Error(error.values.tolist(), error.exponent, Fraction(scale) * 2 / len(z), False), loss

    def _share(self, i: int, error: Error, decay: float) -> int:
        """Y / Y_max of 15 bits; Y_max, of 24 bits, has faded before. -1 where the error is 0."""
        y = back.error_sum(error.values, error.exponent)
        self.most[i] = max(cut_off(self.most.get(i, Fraction(0)) * fifteen_bits(decay) / 2**15), y)
        return -1 if y == 0 else floor(y / self.most[i] * 2**15 + Fraction(1, 2))

    def _decides(self, error: Error) -> bool:
        """Whether a sample is trained."""
        rule = self.rule
        if not isinstance(rule, TinyPropV2) or rule.threshold == 0:
            return True
        return decides(rule, self._share(self.last, error, rule.decay))

    def _selected(self, i: int, error: Error, position: int) -> Error:
        """The error of which what is not trained is 0."""
        rule, n = self.rule, len(error.values)
        dense = position == 0 and self._dense_output()
        if isinstance(rule, (Full, Biases, Channels)) or dense:
            return error
        if isinstance(rule, (TopK, RandomK)):
            k = share_of(rule.ratio, n)
        else:
            decided = position == 0 and isinstance(rule, TinyPropV2) and rule.threshold > 0  # which lets Y_max fade
            k = chosen(rule, self._share(i, error, 1.0 if decided else rule.decay), n, position)
        if isinstance(rule, RandomK):
            kept = range(n) if k == n else self._drawn(n, k)
            return error._replace(values=[q * (e in kept) for e, q in enumerate(error.values)])
        return error._replace(values=back.top_k(error.values, k).tolist())

    def _dense_output(self) -> bool:
        output = getattr(self.rule, "output", "rule")
        return output == "dense" or (output == "auto" and self.loss == "softmax_cross_entropy")

    def _drawn(self, n: int, k: int) -> list[int]:
        """The entries that the next selection of this network draws."""
        number = self.state.get("selections", [0])[0]
        self.state["selections"] = [number + 1]
        return drawn(n, k, self.network.seed, number)

    def _restricted(self, i: int, error: Error, position: int) -> Error:
        """The error of which those channels are left that are trained; all, unless a rule says that no others are."""
        rule, outputs, name = self.rule, self.network.shapes[i][-1], f"{self.network.names[i]}.channels"
        if not isinstance(rule, Channels) or (position == 0 and self._dense_output()):
            return error
        return error._replace(values=restricted(rule, error.values, outputs, name, self.state, self._drawn))

    # -- the way back ----------------------------------------------------------------------------------------------------

    def _go_back(self, values: list[list[int]], delta: Error, rate: int) -> None:
        errors, position, network = {self.last: delta}, 0, self.network
        self.narrow: dict[int, tuple[Error, Error]] = {}
        for i in range(self.last, 0, -1):
            if i not in errors:
                continue
            error, below = errors.pop(i), [j for j in network.sources[i] if self.reached[j]]
            if i in network.parametric:
                kept = self._selected(i, self._narrowed(error), position)
                down = self._propagated(i, kept) if below else kept
                self._change(i, self._restricted(i, kept, position), values[network.sources[i][0]], rate)
                position += 1
            elif below:
                down = self._passed(i, error, values)
            for j in below:
                waits = any(j in network.sources[k] for k in range(j + 1, i))
                if j in errors:
                    errors[j] = met(self._narrowed(errors[j]), self._narrowed(down))
                else:
                    errors[j] = self._narrowed(down) if waits else down
        if self.batch is not None:
            self.in_batch += 1
            if self.in_batch == self.batch:
                self.in_batch = 0
                for i in reversed(self.trained):
                    self._apply(i, rate)

    def _narrowed(self, error: Error) -> Error:
        """Sums as int8; where they go both ways of a residual block, whoever takes them later takes these."""
        return self.narrow.setdefault(id(error.values), (error, narrowed(error)))[1]

    def _propagated(self, i: int, error: Error) -> Error:
        """Back through weights: sums in the unit of the error times 1/128 of the largest scale of the weights."""
        layer, scales = self.network.layers[i], self.quantization.weights[self.network.names[i]]
        largest = max(map(Fraction, scales.tolist()))
        share = [max(1, round(128 * Fraction(scale) / largest)) for scale in scales.tolist()]
        geometry = () if layer.kind == "dense" else (layer.geometry(self.network.input_shape(i)),)
        outputs = self.network.shapes[i][-1]
        terms = outputs * (geometry[0].KH * geometry[0].KW if geometry else 1)
        terms //= self.network.input_shape(i)[-1] if layer.kind == "depthwise" else 1
        halvings = next(h for h in range(32) if terms <= 2**h * ((2**31 - 1) // (127 * 127 * 128)))
        halvings += halvings > 7  # an error of 7 bits and a share of 7 have halves from there on
        operation = getattr(weighted, f"{layer.kind}_backward_input")
        dx = operation(error.values, self._weights(i)[0], share, halvings, *geometry)
        return Error(dx, error.exponent, error.unit * largest / 128 * 2**halvings, True)

    def _passed(self, i: int, error: Error, values: list[list[int]]) -> Error:
        """Back through a layer without weights."""
        layer, y, x = self.network.layers[i], values[i], values[self.network.sources[i][0]]
        if layer.kind in ("relu", "relu6"):
            error = self.narrow.get(id(error.values), (error, error))[1]
            low, high = limits(self.scales[i], layer.limit)
            passed = back.relu_masked(error.values, y, low, high if layer.limit < inf else 128)
            return narrowed(error._replace(values=passed))
        if layer.kind in ("tanh", "sigmoid"):
            error, bits = self._narrowed(error), 14 if layer.kind == "tanh" else 16
            dx = getattr(back, f"{layer.kind}_backward")(error.values, y)
            return Error(dx.tolist(), error.exponent, error.unit / 2**bits, True)
        if layer.kind in ("maxpool", "avgpool", "globalavgpool"):
            return self._pooled(layer, layer.geometry(self.network.input_shape(i)), self._narrowed(error), x)
        return error

    def _pooled(self, layer: Any, g: Any, error: Error, x: list[int]) -> Error:
        """Back through windows: those that do not overlap, and have as many values, need no sums."""
        apart, largest = g.KH <= g.SH and g.KW <= g.SW, layer.kind == "maxpool"
        whole = all(len(window) == g.KH * g.KW for window in forward._windows(g))
        if largest:
            dx = back.max_pool_backward(error.values, back.first_largest(x, g), g).tolist()
            return Error(dx, error.exponent, error.unit, not apart)
        if apart and whole:
            values = back.average_pool_apart_backward(error.values, g).tolist()
            return Error(values, error.exponent, error.unit / (g.KH * g.KW), False)
        return Error(back.average_pool_backward(error.values, g).tolist(), error.exponent, error.unit / 2**14, True)

    # -- weights ---------------------------------------------------------------------------------------------------------

    def _change(self, i: int, error: Error, x: list[int], rate: int) -> None:
        """Change the weights of layer i, or add to its sums of gradients."""
        layer, name, source = self.network.layers[i], self.network.names[i], self.network.sources[i][0]
        scale, zero, bits = Fraction(self.scales[source].scale), self.scales[source].zero, BITS[self.update]
        first, scales = (
            Fraction(self.optimiser.learning_rate) / self.optimiser.batch,
            self.quantization.weights[name].tolist(),
        )
        factors = [eight_bits(first * error.unit * scale * 2**bits / Fraction(own)) for own in scales]
        step = weighted.Step(
            [number for f, shift in factors for number in (f, shift + 128)],
            error.exponent,
            self.exponent(source),
            *eight_bits(1 / (scale**2 * 2**bits)),
        )
        geometry = () if layer.kind == "dense" else (layer.geometry(self.network.input_shape(i)),)
        if self.weights:
            gradient = getattr(weighted, f"{layer.kind}_gradient")(error.values, x, zero, *geometry)
        else:
            gradient = weighted.bias_gradient(error.values, len(self._weights(i)[1]))
        if not self.summing:
            self._put(i, weighted.updated(self._stored(i), gradient, self._rows(i), step, rate))
            return
        a, a_bias = self._sums(i)
        momentum = fifteen_bits(np.float32(self.optimiser.momentum))
        a[:], a_bias[:], self.touched[i] = weighted.begun(a, a_bias, self.touched[i], error.values, self._rows(i), momentum)
        a[:], a_bias[:] = weighted.summed(a, a_bias, gradient, self._rows(i), step)
        if self.batch is None:
            self._apply(i, rate)

    def _apply(self, i: int, rate: int) -> None:
        """Change weights by their sums."""
        self._put(i, weighted.applied(self._stored(i), *self._sums(i), self.touched[i], self._rows(i), rate))
        self.touched[i] = set()

    def _sums(self, i: int) -> tuple[list[int], list[int]]:
        kind, name = "velocity" if self.optimiser.momentum else "gradient", self.network.names[i]
        return self.state[f"{name}.weights_{kind}"], self.state[f"{name}.bias_{kind}"]

    def _rows(self, i: int) -> weighted.Places:
        """Where the weights of an output lie."""
        shape = self.network.parameter_shapes(i)["weights"]
        depthwise = self.network.layers[i].kind == "depthwise"
        return weighted.row_places(*((1, shape[-1]) if depthwise else (prod(shape[1:]), 1)))

    def _stored(self, i: int) -> weighted.Weights:
        w, b = self._weights(i)
        r, r2 = (self.state.get(f"{self.network.names[i]}.{kind}", []) for kind in ("residual", "residual2"))
        return weighted.as_weights(w, b, r, r2, self.state.get("draws", []))

    def _put(self, i: int, weights: weighted.Weights) -> None:
        for kind, values in zip(("weights", "bias", "residual", "residual2"), weights):
            if f"{self.network.names[i]}.{kind}" in self.state:
                self.state[f"{self.network.names[i]}.{kind}"] = values  # type: ignore[assignment]
        if weights.draws is not None:
            self.state["draws"] = [weights.draws]
