"""Rules to compare others with: what adaptive training has to be better than.

    Full         k = n
    TopK         k = clamp(rint(r n), 1, n), the k largest
    RandomK      k = clamp(rint(r n), 1, n) as TopK's, but the k entries are drawn at random, anew for each layer and sample
    Channels     the error is propagated in full; some output channels are trained, drawn at random, anew after a while
    Biases       the error is propagated in full; biases alone are trained: weights are frozen

What is drawn is a function of the network's seed and of how many selections came before; so runs of other seeds draw others.
"""

from dataclasses import dataclass

from mcuref.arguments import number, one_of, whole
from mcuref.layers.layer import Emit
from mcuref.memory.buffers import Buffer
from mcuref.selections import Selection, kept_entries, selection

MOST_SAMPLES = 1 << 30


@dataclass(frozen=True)
class Full:
    """Train every entry of the error that is not exactly 0.

    It is the sparse computation with k = n, so that the two agree to the bit.
    """

    method = "full"
    bias = "masked"

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Every sample is trained."""

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the selection of all non-zero entries; returns a :class:`Selection`."""
        return selection(emit, "select_full", delta, delta.shape[0])


@dataclass(frozen=True)
class TopK:
    """Train a fixed share of the error's entries: static sparse back-propagation.

    Parameters
    ----------
    ratio : float in ]0, 1], r.
    output : "auto", "dense" or "rule": how the output layer is trained. auto is dense under softmax cross-entropy (k = 1
        keeps only the true class there, which destroys training), and by the rule under other losses.
    bias : "masked" (biases of kept entries) or "dense" (all biases of a layer, as meProp).
    """

    ratio: float = 0.1
    output: str = "auto"
    bias: str = "masked"

    method = "topk"

    def __post_init__(self) -> None:
        number("ratio", self.ratio, 0, 1, above=True)
        one_of("output", self.output, ("auto", "dense", "rule"))
        one_of("bias", self.bias, ("masked", "dense"))

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Every sample is trained."""

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the selection of the k largest entries; returns a :class:`Selection`."""
        if dense:
            return selection(emit, "select_full", delta, delta.shape[0])
        k = kept_entries(self.ratio, delta.shape[0])
        return selection(emit, "select_top_k", delta, k, k=k)


@dataclass(frozen=True)
class RandomK(TopK):
    """Train a fixed share of the error's entries, drawn at random.

    Of what is drawn, entries that are exactly 0 are dropped, as in every rule: behind a ReLU fewer than k are left.
    Parameters are those of :class:`TopK`.
    """

    method = "randomk"

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the selection of k entries at random, or of all where k is all; returns a :class:`Selection`."""
        n = delta.shape[0]
        k = n if dense else kept_entries(self.ratio, n)
        return selection(emit, "select_full", delta, n) if k == n else selection(emit, "select_random_k", delta, k, k=k)


@dataclass(frozen=True)
class Biases:
    """Train all biases and no weights, which lie in flash: no activation is kept for a gradient of them.

    It needs policy "immediate" without momentum.
    """

    method = "biases"
    bias = "masked"
    weights = False

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Every sample is trained."""

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the selection of all non-zero entries; returns a :class:`Selection`."""
        return selection(emit, "select_full", delta, delta.shape[0])


@dataclass(frozen=True)
class Channels:
    """Train some output channels of each layer, drawn at random, anew after a while; propagate the error in full.

    In the manner of TraDy (arXiv 2510.19675), which draws input channels, of chosen layers, between epochs, so that the
    activations of others need not be kept. Output channels save gradients of weights and updates, and no memory.

    Parameters
    ----------
    ratio : float in ]0, 1]: the share of a layer's channels, of which k = clamp(rint(r O), 1, O) are drawn.
    every : int >= 1, trained samples until others are drawn.
    output : "auto", "dense" or "rule": as in :class:`TopK`; dense trains all channels of the output layer.
    """

    ratio: float = 0.25
    every: int = 100
    output: str = "auto"

    method = "channels"
    bias = "masked"

    def __post_init__(self) -> None:
        number("ratio", self.ratio, 0, 1, above=True)
        whole("every", self.every, 1, MOST_SAMPLES)
        one_of("output", self.output, ("auto", "dense", "rule"))

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Every sample is trained."""

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the selection of all non-zero entries, which are propagated; returns a :class:`Selection`."""
        return selection(emit, "select_full", delta, delta.shape[0])

    def restrict(self, emit: Emit, kept: Selection, dense: bool) -> Selection:
        """Emit what leaves those of some channels, with a bit a channel and a counter as state in SRAM."""
        outputs = emit.parameter("bias").shape[0]
        k = outputs if dense else kept_entries(self.ratio, outputs)
        if k < outputs:
            mask = emit.state("channels", (-(-outputs // 8),), dtype="uint8", axes=("output bits",))
            emit("keep_channels", **kept._asdict(), mask=mask, left=emit.state("channels_left", dtype="int32"), O=outputs,
                 k=k, every=self.every)  # fmt: skip
        return kept


BASELINES = (RandomK, Biases, Channels)  # that are compared with where they are named alone
