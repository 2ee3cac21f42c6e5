"""One plan and one arena for all stages: who lies where, that nobody writes elsewhere, and that sharing changes no bit."""

from dataclasses import replace

import numpy as np
import pytest

from mcuref import Budget, Conv2D, Dense, Flatten, Input, MaxPool2D, Network, ReLU, TinyProp, TopK, compile
from mcuref.incremental.criterion import Criterion, Verification
from mcuref.incremental.distillation import Distillation, distil_class
from mcuref.incremental.embedding import Embedding, embedding_network, embedding_seeds
from mcuref.incremental.growth import widen
from mcuref.incremental.layout import CLASS_COLUMNS, STAGES, Layout
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.recipe import Recipe
from mcuref.incremental.storage import Storage
from mcuref.memory.buffers import aligned
from mcuref.testing import assert_no_overlap

QUICK = Distillation(embeddings=2, iterations=4, group=3, stream=30)
PATTERN = 0x5A
CNN = [Input((6, 5, 2)), Conv2D(3, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(7), ReLU(), Dense(4)]
RECIPES = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "batch": {"momentum": 0.5, "batch": 4},
    "TinyProp": {"rule": TinyProp()},
    "top-k": {"rule": TopK(0.5)},
    "published step": {"distillation": replace(QUICK, step="published")},
    "random start": {"distillation": replace(QUICK, start="random")},
    "selection alone": {"distillation": replace(QUICK, iterations=0)},
    "no embedding": {"distillation": replace(QUICK, start="random", iterations=0)},
    "learned features": {"features": "learned", "distillation": replace(QUICK, embeddings=1)},
    "half resolution, 2 bits": {"storage": Storage(2, half=True)},
    "in SRAM": {"region": "sram"},
    "validation in SRAM": {"region": "sram", "verification": Verification("stored", 3)},
    "validation in flash": {"verification": Verification("stored", 3)},
}
NETWORKS = {
    "dense": Network([Input((9,)), Dense(7), ReLU(), Dense(5), ReLU(), Dense(4)], seed=3),
    "convolutions": Network(CNN, seed=3),
}


def recipe(**given):
    return Recipe(**{"steps": 200, "per_class": 4, "distillation": QUICK} | given)


def layout(network, embedding="network", classes=4, capacity=None, **given):
    made = recipe(**given)
    features = None if made.features == "learned" else network if embedding == "network" else embedding
    whole = Layout.of(made, network.input, classes, embedding=features)
    return whole if capacity is None else replace(whole, capacity=capacity)


def memory_of(network, budget=None, replaces=None, **given):
    return LearnerMemory(network, layout(network, **given), budget, 5, replaces)


def samples(network, count=40, seed=0):
    """(x, y): one cloud a class."""
    random, y = np.random.default_rng(seed), np.arange(count) % 4
    centres = np.random.default_rng(99).normal(size=(4, *network.input.shape))
    return (centres[y] + 0.3 * random.normal(size=(count, *network.input.shape))).astype(np.float32), y


def learner(network, checked=False, **given):
    """A learner that has learned two of four classes."""
    criterion = Criterion(0.0) if checked else None
    made = IncrementalLearner(network, 4, recipe=recipe(**given), criterion=criterion, seed=5)
    x, y = samples(network)
    made.learn(x[y < 2], y[y < 2])
    return made


def overlap(plan):
    """Raise if placements that are alive in one stage share a byte, or one lies outside its region."""
    for region, (begin, end) in {"sram": (0, plan.sram), "flash": (plan.sram, plan.sram + plan.flash)}.items():
        mine = [p for p in plan.placements if p.buffer.region == region]
        assert_no_overlap([p.offset for p in mine], [(p.buffer.size, p.first, p.last) for p in mine])
        assert all(begin <= p.offset and p.offset + p.buffer.size <= end for p in mine)
        assert max(p.offset + aligned(p.buffer.size) for p in mine) == end, "the plan is larger than what lies in it"
    assert all(p.offset % 4 == 0 and 0 <= p.first <= p.last < len(STAGES) for p in plan.placements)


def bytes_of(plan, chosen):
    """bool[sram + flash]: bytes of the placements of which ``chosen(placement)``."""
    mask = np.zeros(plan.sram + plan.flash, bool)
    for p in plan.placements:
        if chosen(p):
            mask[p.offset : p.offset + p.buffer.size] = True
    return mask


def lives_in(*stages):
    stages = [STAGES.index(stage) for stage in stages]
    return lambda p: any(p.first <= stage <= p.last for stage in stages)


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


@pytest.mark.parametrize("name", RECIPES)
def test_buffers_of_one_stage_share_no_byte_and_the_plan_ends_where_the_last_one_does(network, name):
    present = memory_of(network, **RECIPES[name])
    overlap(present.plan)
    wider = widen(network, [w.outputs + 2 if isinstance(w, Dense) else w.filters + 1 for w in layers(network)])
    overlap(memory_of(wider.network, replaces=present, **RECIPES[name]).plan)
    assert present.plan.lower_bound("sram") <= present.plan.sram <= 1.1 * present.plan.lower_bound("sram")


def layers(network):
    return [layer for layer in network.layers if isinstance(layer, (Dense, Conv2D))][:-1]


@pytest.mark.parametrize("name", RECIPES)
def test_the_arena_is_the_plan_to_the_byte(network, name):
    present = memory_of(network, **RECIPES[name]).allocate()
    assert len(present.arena.bytes) == present.plan.sram + present.plan.flash
    assert present.program.arena.bytes is present.arena.bytes
    for embedding in present.embeddings:
        assert embedding.program.arena.bytes is present.arena.bytes
    rows = present.where()
    assert [(r["offset"], r["bytes"]) for r in rows] == [(p.offset, p.buffer.size) for p in present.plan.placements]
    for region, size in (("sram", present.plan.sram), ("flash", present.plan.flash)):
        ends = [r["offset"] + aligned(r["bytes"]) for r in rows if r["region"] == region]
        assert max(ends) == size + (present.plan.sram if region == "flash" else 0)


@pytest.mark.parametrize("name", RECIPES)
def test_every_buffer_of_the_program_lies_inside_its_place(network, name):
    """State in its own place, what shares in the work area; SRAM in SRAM and flash in flash."""
    present = memory_of(network, **RECIPES[name]).allocate()
    work = {p.buffer: p for p in present.plan.placements if p.buffer.name.endswith(".work")}
    for placed, program in zip(
        (present.placed_model, *present.placed_embeddings), (present.program, *(e.program for e in present.embeddings))
    ):
        for p in placed.program.plan.placements:
            offset = program.arena.offsets[p.buffer]
            if p.buffer in placed.proxies:
                assert offset == present.plan.offsets[placed.proxies[p.buffer]]
                assert placed.proxies[p.buffer].size == p.buffer.size
            elif p.buffer in placed.drawn:
                block = present.plan.offsets[placed.block]
                assert block <= offset and offset + p.buffer.size <= block + placed.block.size
            else:
                area = work[placed.work]
                assert area.offset <= offset and offset + p.buffer.size <= area.offset + area.buffer.size
            in_flash = offset >= present.plan.sram
            assert in_flash == (p.buffer.region == "flash" and p.buffer not in placed.drawn)


@pytest.mark.parametrize("name", RECIPES)
def test_programs_in_the_arena_compute_the_bits_they_compute_alone(network, name):
    present, (x, y) = memory_of(network, **RECIPES[name]).allocate(), samples(network)
    made = present.layout.recipe
    alone = compile(network, made.rule, made.optimiser())
    assert present.program.outputs(x).tobytes() == alone.outputs(x).tobytes()
    losses = [program.train(x, y).losses.tobytes() for program in (present.program, alone)]
    assert losses[0] == losses[1]
    states = [{n: v.tobytes() for n, v in p.state().items()} for p in (present.program, alone)]
    assert states[0] == states[1] and (present.program.counts == alone.counts).all()

    present.generate_embeddings()
    assert len(present.embeddings) == (0 if name == "no embedding" else 1 if "alone" in name or "learned" in name else 2)
    for seed, embedding in zip(embedding_seeds(5, 2), present.embeddings):
        parameters = alone.parameters() if made.features == "learned" else None
        single = Embedding(embedding_network(network, seed=seed, parameters=parameters))
        assert embedding.outputs(x).tobytes() == single.outputs(x).tobytes()
        difference = np.linspace(-1, 1, single.features).astype(np.float32)
        assert embedding.gradient(x, difference).tobytes() == single.gradient(x, difference).tobytes()
    assert {n: v.tobytes() for n, v in present.program.state().items()} == states[1], "embeddings wrote into the model"


@pytest.mark.parametrize("name", ("plain", "published step", "random start", "selection alone", "half resolution, 2 bits"))
def test_distilling_in_the_arena_is_distilling_alone(network, name):
    present, (x, _) = memory_of(network, **RECIPES[name]).allocate(), samples(network)
    codec, made = present.layout.codec, present.layout.recipe.distillation
    present.arena.sram[:] = PATTERN  # leftovers of other stages decide nothing
    present.generate_embeddings()
    packed = distil_class(x, 4, codec, present.embeddings, made, 7, present.workspace())
    seeds = embedding_seeds(5, len(present.embeddings))
    alone = [Embedding(embedding_network(network, seed=seed)) for seed in seeds]
    assert packed.tobytes() == distil_class(x, 4, codec, alone, made, 7).tobytes()


@pytest.mark.parametrize("name", RECIPES)
def test_no_stage_writes_outside_the_buffers_that_live_in_it(network, name):
    """All bytes but those of the stage are painted over; afterwards the paint is as it was."""
    made, (x, y) = learner(network, name.startswith("validation"), **RECIPES[name]), samples(network, seed=1)
    plan, memory = made.memory.plan, made.memory.arena.bytes
    always = bytes_of(plan, lambda p: p.first == 0 and p.last == len(STAGES) - 1)

    def paint(*stages):
        mine = bytes_of(plan, lives_in(*stages)) | always
        memory[~mine] = PATTERN
        return ~mine

    outside = paint("record", "distil")
    made.distil(x[y < 2], y[y < 2])
    assert (memory[outside] == PATTERN).all()
    outside = paint("train")
    made.train(150)
    assert (memory[outside] == PATTERN).all()
    outside = paint("verify")
    made.predict(x)
    assert (memory[outside] == PATTERN).all()
    outside = paint()
    made.record()
    assert (memory[outside] == PATTERN).all()
    assert (made.memory.arena.guard == 0xA5).all()


@pytest.mark.parametrize("name", RECIPES)
def test_stages_need_nothing_that_other_stages_left_behind(network, name):
    """What a stage's own buffers held before decides nothing: painted or not, the next stages come to the same bytes."""
    ends = []
    for pattern in (None, 0x00, 0x3C):
        made, (x, y) = learner(network, name.startswith("validation"), **RECIPES[name]), samples(network, seed=1)
        plan, memory = made.memory.plan, made.memory.arena.bytes
        shared = ~bytes_of(plan, lambda p: p.first == 0 and p.last == len(STAGES) - 1)
        for stage in (lambda: made.distil(x[y < 2], y[y < 2]), lambda: made.train(50), lambda: made.predict(x)):
            if pattern is not None:
                memory[shared] = pattern
            stage()
        ends.append(({n: v.tobytes() for n, v in made.state()[1].items()}, made.predict(x).tobytes()))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("name", ("plain", "momentum", "TinyProp", "in SRAM", "validation in flash"))
def test_flash_changes_only_where_something_is_stored_or_recorded(network, name):
    made, (x, y) = learner(network, name.startswith("validation"), **RECIPES[name]), samples(network, seed=1)
    plan, memory = made.memory.plan, made.memory.arena.bytes

    def changed(action):
        before = memory.copy()
        action()
        difference = before != memory
        difference[: plan.sram] = False
        return difference

    stored = bytes_of(plan, lambda p: p.buffer.name.startswith(("memory.", "classes")))
    images = bytes_of(plan, lambda p: p.buffer.name.endswith(".image"))
    difference = changed(lambda: made.distil(x[y < 2], y[y < 2]))
    assert not difference[~stored].any() and difference.any() == (made.recipe.region == "flash")
    assert not changed(lambda: made.train(60)).any()
    assert not changed(lambda: made.verify((x, y))).any()
    difference = changed(made.record)
    assert not difference[~images].any() and difference.any()
    for buffer, image in made.program.listing.images.items():
        part = made.program.arena
        assert part.view(image).tobytes() == part.view(buffer).tobytes()


def test_what_is_stored_moves_between_flash_and_sram_by_exactly_its_bytes(network):
    flash, sram = (memory_of(network, region=r, verification=Verification("stored", 3)) for r in ("flash", "sram"))
    assert flash.stored_bytes == sram.stored_bytes
    moved = sum(aligned(b.size) for b in flash.stored.values())
    assert flash.plan.flash - sram.plan.flash == moved
    assert sram.plan.sram - flash.plan.sram == moved


@pytest.mark.parametrize("half", (False, True))
@pytest.mark.parametrize("bits", (1, 2, 4, 8))
def test_stored_bytes_by_hand(bits, half):
    """8 x 8 x 3 pixels as of an image; a byte a label; 16 bytes a class."""
    network = Network([Input((8, 8, 3), "uint8", 0.0, 1 / 255), Flatten(), Dense(4), ReLU(), Dense(5)])
    made = memory_of(network, classes=5, storage=Storage(bits, half), verification=Verification("stored", 2))
    values = 8 * 8 * 3 // (4 if half else 1)
    assert made.stored_bytes == 4 * 5 * (values * bits // 8 + 1) + 2 * 5 * (values * bits // 8 + 1) + 5 * 4 * len(
        CLASS_COLUMNS
    )


def test_labels_need_two_bytes_for_more_than_256_classes():
    network = NETWORKS["dense"]
    few, many = (memory_of(network, classes=classes, capacity=300) for classes in (256, 257))
    assert few.stored["memory.labels"].size == 300 and many.stored["memory.labels"].size == 600


def names(made, **given):
    return {p.buffer.name: p for p in memory_of(made, **given).plan.placements}


def test_buffers_of_what_is_asked_for_are_in_the_plan_and_others_are_not(network):
    plain = names(network)
    assert {"distil.samples", "record.sample", "replay.order", "replay.sample", "model.work", "embedding.work"} <= set(plain)
    assert not any("velocity" in name for name in plain)
    for kind in ("weights", "bias"):
        assert f"dense1.{kind}_velocity" in names(network, momentum=0.9)
        assert f"dense1.{kind}_gradient" in names(network, batch=4)
    tiny = {p.buffer.category for p in memory_of(network, rule=TinyProp()).plan.placements}
    assert "rule state" in tiny and "rule state" not in {p.buffer.category for p in plain.values()}
    published = names(network, distillation=replace(QUICK, step="published"))
    assert published["distil.velocity"].buffer.shape == (3, network.input.size)
    bare = names(network, distillation=replace(QUICK, start="random", iterations=0))
    assert not any(name.startswith("embedding") or "feature" in name for name in bare)
    assert plain["embedding1.weights"].buffer.region == "sram"
    assert STAGES[plain["embedding1.weights"].last] == "distil"
    stored = names(network, verification=Verification("stored", 3))
    assert stored["validation.samples"].buffer.shape == (12, network.input.size)
    assert stored["validation.samples"].buffer.category == "validation data"
    half = names(network, storage=Storage(2, half=True))
    assert half["memory.samples"].buffer.size < plain["memory.samples"].buffer.size / 4 + 16
    assert names(network, features="learned", distillation=replace(QUICK, embeddings=1)).keys() >= {"embedding1.program"}


def test_replay_order_needs_four_bytes_beyond_65536_samples():
    network = NETWORKS["dense"]
    assert names(network, capacity=1 << 16)["replay.order"].buffer.dtype == "uint16"
    assert names(network, capacity=(1 << 16) + 1)["replay.order"].buffer.dtype == "uint32"


def test_two_models_lie_side_by_side_while_one_takes_the_place_of_the_other(network):
    """All of the old model's state and flash, and of what the distillation has in flash, besides the new model's."""
    present = memory_of(network, momentum=0.9)
    wider = widen(network, [w + 3 for w in (w.outputs if isinstance(w, Dense) else w.filters for w in layers(network))])
    alone = memory_of(wider.network, momentum=0.9, embedding=network)
    both = LearnerMemory(wider.network, present.layout, None, 5, replaces=present)
    old = [p.buffer for p in present.plan.placements if p.buffer in present.placed_model.proxies.values()]
    assert set(old) <= set(both.plan.offsets)
    kept = [b for b in present.plan.offsets if b.region == "flash" and b.name.startswith("embedding")]
    assert kept and set(kept) <= set(both.plan.offsets), "tables of the embeddings do not leave flash while a model grows"
    assert both.plan.flash == alone.plan.flash + sum(aligned(b.size) for b in old if b.region == "flash")
    state = sum(aligned(b.size) for b in old if b.region == "sram")
    work = both.placed_model.program.plan.shared("sram")
    assert both.plan.sram >= state + both.placed_model.program.plan.state + work


@pytest.mark.parametrize("core", ("", "m4f", "m0"))
def test_needs_are_the_plan_and_what_was_measured_around_it(network, core):
    made = memory_of(network, Budget(1 << 20, 1 << 20, core=core))
    assert made.needs.sram >= made.plan.sram and made.needs.flash >= made.plan.flash + made.needs.code
    assert (made.needs.code > 0) == bool(core)
    assert memory_of(network).needs[:2] == (made.plan.sram, made.plan.flash)


@pytest.mark.parametrize("region", ("sram", "flash"))
def test_a_budget_holds_it_to_the_byte(network, region):
    made = memory_of(network)
    exact = {"sram": made.plan.sram, "flash": made.plan.flash}
    assert memory_of(network, Budget(**exact, stack=0)).fits
    exact[region] -= 1
    assert not memory_of(network, Budget(**exact, stack=0)).fits


@pytest.mark.parametrize("name", RECIPES)
def test_stages_tell_what_is_alive(network, name):
    made = memory_of(network, **RECIPES[name])
    rows = made.stages()
    assert [row["stage"] for row in rows] == list(STAGES)
    for i, row in enumerate(rows):
        alive = {
            p.buffer.name: p.buffer.size
            for p in made.plan.placements
            if p.buffer.region == "sram" and p.first <= i <= p.last
        }
        assert row["buffers"] == alive and row["sram"] == sum(alive.values()) <= made.plan.sram
        assert list(row["buffers"].values()) == sorted(alive.values(), reverse=True)
    assert max(row["sram"] for row in rows) > 0.9 * made.plan.sram
