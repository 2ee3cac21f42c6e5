"""The emitter: what layers, rules and optimisers write a program with."""

from contextlib import contextmanager
from math import prod

import numpy as np

from mcuref.memory.buffers import Buffer
from mcuref.program.instructions import Instruction

MOST_UINT16 = 1 << 16


class Emitter:
    """Buffers and instructions of the layer at hand.

    Attributes
    ----------
    network : Network.
    trainable : tuple of int, indices of the layers that are trained.
    wrt : "parameters" or "input".
    instructions : list of Instruction, in order.
    index_type : dtype of kept indices: "uint16" while no trained layer has more than 65,536 outputs, else "uint32".
    """

    def __init__(self, network, trainable, wrt):
        self.network, self.trainable, self.wrt = network, trainable, wrt
        self.instructions, self.constants, self.images = [], {}, {}
        self._named = {}
        self._reached = [True] * len(network.layers) if wrt == "input" else network.reached(trainable)
        most = max((prod(network.shapes[i]) for i in network.parametric if self._reached[i]), default=0)
        self.index_type = "uint16" if most <= MOST_UINT16 else "uint32"
        self.index = 0

    @contextmanager
    def layer(self, index):
        """Everything emitted inside belongs to this layer."""
        previous, self.index = self.index, index
        yield
        self.index = previous

    @property
    def name(self):
        """Name of the layer at hand."""
        return self.network.names[self.index]

    @property
    def input_shape(self):
        """Shape of what the layer at hand takes."""
        return self.network.input_shape(self.index)

    @property
    def propagates(self):
        """Whether an error will pass back through the layer at hand."""
        return any(self.reached(j) for j in self.network.sources[self.index])

    @property
    def output_is_kept(self):
        """Whether a weight gradient reads the output of the layer at hand."""
        return any(i in self.trainable for i in self._readers(self.index))

    def _readers(self, index):
        """Layers that read the bytes layer ``index`` wrote: those it feeds, and through layers that pass them on."""
        for i, sources in enumerate(self.network.sources):
            if index in sources:
                yield i
                if self.network.layers[i].kind in ("flatten", "reshape"):
                    yield from self._readers(i)

    def reached(self, index):
        """Whether an error must reach the output of layer ``index``: something at or below it wants a gradient."""
        return self._reached[index]

    def __call__(self, name, outputs, inputs, dimensions=(), constants=(), in_place=None):
        """Append an instruction."""
        self.instructions.append(
            Instruction(name, self.name, self.index, outputs, inputs, tuple(dimensions), tuple(constants), in_place)
        )

    def buffer(self, kind, shape, category, dtype="float32"):
        """A new buffer in SRAM that lives while instructions need it."""
        return Buffer(f"{self.name}.{kind}", dtype, tuple(shape), category, self.name)

    def _once(self, kind, make):
        name = f"{self.name}.{kind}"
        if name not in self._named:
            self._named[name] = make(name)
        return self._named[name]

    def constant(self, kind, values):
        """A constant in flash, float32."""
        values = np.asarray(values, np.float32)

        def make(name):
            buffer = Buffer(name, "float32", values.shape, "constants", self.name, "flash", True)
            self.constants[buffer] = values
            return buffer

        return self._once(kind, make)

    def state(self, kind, shape=(1,), category="rule state", dtype="float32", axes=()):
        """State in SRAM that outlives a sample, 0 at the start; ``axes``: how it follows a resized network, see Buffer."""
        return self._once(
            kind, lambda name: Buffer(name, dtype, tuple(shape), category, self.name, persistent=True, axes=axes)
        )

    def parameter(self, kind):
        """A parameter of the layer at hand: in SRAM with its start image in flash if trainable, else in flash only."""
        shape = self.network.parameter_shapes(self.index)[kind]
        axes = self.network.layers[self.index].parameter_axes[kind]

        def make(name):
            """The buffer the program reads, and its start image if it has one."""
            flash = Buffer(name, "float32", shape, "weights", self.name, "flash", True, axes)
            if self.index not in self.trainable:
                return flash
            buffer = Buffer(name, "float32", shape, "weights", self.name, persistent=True, axes=axes)
            self.images[buffer] = Buffer(f"{name}.image", "float32", shape, "weights", self.name, "flash", True, axes)
            return buffer

        return self._once(kind, make)

    @property
    def parameters(self):
        """{name: buffer} of all parameters emitted so far."""
        return {name: b for name, b in self._named.items() if b.category == "weights"}
