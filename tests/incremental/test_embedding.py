"""Embeddings: what they compute, from where they come, where they lie."""

from math import prod

import numpy as np
import pytest

from mcuref import Dense, Input, InputError, Network, compile
from mcuref.incremental.distillation import Distillation, distil_class
from mcuref.incremental.embedding import Embedding, embedding_network, embedding_seeds
from mcuref.incremental.memory import PlacedProgram
from mcuref.incremental.storage import Storage
from mcuref.kernels.random import EMBEDDINGS, philox
from mcuref.memory.accountant import Plan
from mcuref.memory.arena import Arena
from mcuref.memory.buffers import Buffer

from .embeddings import NETWORKS, U, blobs, embedding_of, every_network, features64, normal


@every_network
def test_features_are_those_of_the_network_without_its_last_layer(layers):
    network = Network(layers, seed=4)
    embedding = Embedding(embedding_network(network, parameters=network.parameters))
    assert embedding.features == prod(network.shapes[-2])
    x = normal(layers, 3, 1)
    got = embedding.outputs(x)
    expected = np.array([features64(embedding.program.network, row) for row in x])
    assert np.abs(got - expected).max() <= 200 * U * np.abs(expected).max()  # three sums of at most 70 products
    last = [network.parameters[f"{network.names[-1]}.{kind}"].astype(np.float64) for kind in ("weights", "bias")]
    whole = compile(network, trainable=0).outputs(x)
    assert np.abs(got @ last[0].T + last[1] - whole).max() <= 400 * U * np.abs(expected).max() * np.abs(last[0]).sum(1).max()
    gradient = embedding.gradient(x, np.ones(embedding.features, np.float32))
    assert gradient.shape == x.shape and gradient.any()


def test_a_seed_brings_an_embedding_back():
    network = Network(NETWORKS["conv, max"], seed=8)
    seeds = embedding_seeds(3, 4)
    assert seeds == [int(v) for v in philox(3, EMBEDDINGS, 4)] and all(type(s) is int for s in seeds)
    assert embedding_seeds(3, 2) == seeds[:2] and embedding_seeds(4, 2) != seeds[:2] and len(set(seeds)) == 4
    one, again, other = (embedding_network(network, seed=s) for s in (5, 5, 6))
    same = Network([Input((5, 7, 2)), *NETWORKS["conv, max"][1:-1]], seed=5)
    for name, value in one.parameters.items():
        assert value.tobytes() == again.parameters[name].tobytes() == same.parameters[name].tobytes()
        assert name.endswith("bias") or value.tobytes() != other.parameters[name].tobytes()
    assert one.outputs == 5 and one.input.dtype == "float32"


def test_an_embedding_takes_normalised_samples():
    network = Network([Input((4,), "uint8", 100.0, 0.01), Dense(3), Dense(2)])
    layer = embedding_network(network).input
    assert (layer.dtype, layer.mean.tolist(), layer.scale.tolist()) == ("float32", [0], [1])


def test_features_that_the_network_has_learned():
    network = Network(NETWORKS["dense"], seed=1)
    learned = network.with_seed(2).parameters
    embedding = Embedding(embedding_network(network))
    x = normal(NETWORKS["dense"], 3, 1)
    before = embedding.outputs(x)
    embedding.adopt(learned)
    after = embedding.outputs(x)
    assert after.tobytes() == Embedding(embedding_network(network, parameters=learned)).outputs(x).tobytes()
    assert after.tobytes() != before.tobytes()


def test_work_is_counted():
    embedding = embedding_of(NETWORKS["dense"])
    x = normal(NETWORKS["dense"], 5, 1)
    assert embedding.macs == 0
    embedding.outputs(x)
    forward = 9 * 17 + 17 * 7
    assert embedding.macs == 5 * forward
    embedding.gradient(x[:2], np.ones(7, np.float32))
    # forward again, and back: at most as much, less where a unit is off
    assert 7 * forward < embedding.macs <= 9 * forward
    assert Embedding(embedding.program.network, program=embedding.program).macs == 0


def test_a_network_of_one_layer_has_no_features():
    with pytest.raises(InputError) as refused:
        embedding_network(Network([Input((4,)), Dense(2)], name="small"))
    assert str(refused.value) == ("network 'small' has one layer with parameters; without it there are no features")


@pytest.mark.parametrize("generated", [False, True], ids=["weights in flash", "weights in SRAM"])
@every_network
def test_a_part_of_a_larger_arena_computes_the_same_bits(layers, generated):
    """Two embeddings share their working memory behind something else; what else is there is not touched."""
    alone = [embedding_of(layers, seed) for seed in (1, 2)]
    programs = [e.program for e in alone]
    work = Buffer("work", "uint8", (max(p.plan.shared("sram") for p in programs),), "activations")
    places = [PlacedProgram(p, work, (0, 1), generated, f"embedding{i}.") for i, p in enumerate(programs)]
    other, kept = (
        Buffer("other", "float32", (70_001,), "scratch"),
        Buffer("kept", "int32", (17,), "state", "", "sram", True),
    )
    groups = [[(other, 0, 4)], [(kept, 0, 4)], [(work, 0, 1)], *(group for t in places for group in t.groups())]
    plan = Plan(groups)
    arena = Arena(plan)
    arena.bytes[:] = 0xA5
    embeddings = [Embedding(p.network, t.part(arena), p) for p, t in zip(programs, places)]
    x, difference = normal(layers, 7, 1), np.random.default_rng(2).normal(size=alone[0].features).astype(np.float32)
    for _ in range(2):
        for one, part in zip(alone, embeddings):
            assert part.outputs(x).tobytes() == one.outputs(x).tobytes()
            assert part.gradient(x, difference).tobytes() == one.gradient(x, difference).tobytes()
            assert (part.counts == one.counts).all()
        arena.view(work)[:] = 0x5A  # nothing of it is needed from one call to the next
        if generated:  # nor are weights: their seed brings them back
            for placed, part in zip(places, embeddings):
                for buffer in part.program.listing.parameters.values():
                    part.program.arena.view(buffer)[:] = np.nan
                part.program.fill(placed.part(arena))
    assert (arena.view(other).view(np.uint8) == 0xA5).all() and (arena.view(kept).view(np.uint8) == 0xA5).all()
    assert (arena.guard == arena.guard[0]).all() and len(arena.bytes) == plan.sram + plan.flash
    assert all(bool(t.drawn) == generated and (not generated or t.block.region == "sram") for t in places)
    layer = Input(layers[0].shape, "float32")
    recipe, data = Distillation(iterations=3, embeddings=2, group=3), blobs(20, 4, layer)
    packed = [distil_class(data, 5, Storage().codec(layer), e, recipe) for e in (alone, embeddings)]
    assert (packed[0] == packed[1]).all()
