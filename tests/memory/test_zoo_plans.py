"""The planner on real networks: every model of the zoo, rule, optimiser and number of trained layers."""

import pytest

from mcuref import SGD, Full, TinyProp, TinyPropV2, TopK, build, compile
from mcuref.memory.planner import extent, place
from mcuref.models import ZOO

RULES = (Full(), TopK(0.1), TinyProp(), TinyPropV2(), TinyPropV2(output="rule"))
OPTIMISERS = (SGD(), SGD(momentum=0.9), SGD(batch=8), SGD(momentum=0.9, batch=8))


def programs(name):
    """Programs of a model: all rules, optimisers and gradients, all or some of its layers trained."""
    network, loss = build(name), ZOO[name].loss
    for rule in RULES:
        yield compile(network, rule, loss=loss, wrt="input")
        for optimiser in OPTIMISERS:
            yield compile(network, rule, optimiser, loss=loss)
        for trainable in {0, 1, 2, len(network.parametric) // 2, len(network.parametric) - 1}:
            yield compile(network, rule, loss=loss, trainable=trainable)


def greedy(lifetimes):
    """Size of TensorFlow Lite Micro's plan: the largest buffer first."""
    return extent(lifetimes, place(lifetimes, sorted(range(len(lifetimes)), key=lambda i: (-lifetimes[i][0], i))))


@pytest.mark.parametrize("name", ZOO)
def test_within_a_hundredth_of_the_lower_bound_and_never_above_greedy(name):
    worst = 1.0
    for program in programs(name):
        plan = program.plan
        assert plan.lower_bound("sram") <= plan.sram <= 1.01 * plan.lower_bound("sram")
        assert plan.shared("sram") <= greedy(plan._transient["sram"])
        worst = max(worst, plan.overhead("sram"))
    print(f"{name}: what buffers share takes at most {worst:.4f} of the lower bound")
    assert worst <= 1.01  # of the shared area alone: weights, which nobody can plan away, do not hide a bad plan
