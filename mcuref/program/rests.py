"""Rests in a program: a row at its head ends the step of a sample that rests; one behind the decision wakes it."""

from typing import Any

from mcuref.arguments import whole
from mcuref.errors import InputError
from mcuref.memory.buffers import Buffer
from mcuref.program.emitter import Emitter
from mcuref.program.governor import govern
from mcuref.rules import MOST_RESTS, Rule

MOST_STORED = 1 << 28  # samples: their streaks have fewer than 2^31 bits
WIDTHS = (1, 2, 4)  # of a streak, in bits: so many lie in a byte


def streak_bits(longest: int) -> int:
    """Bits of a streak that counts up to ``longest``."""
    return next(bits for bits in WIDTHS if longest < 1 << bits)


def rest(emit: Emitter, rule: Rule) -> Buffer | None:
    """Emit what lets samples rest, before all else, if the rule has rests or an effort; returns streaks, if it has rests."""
    longest = whole("rests", getattr(rule, "rests", 0), 0, MOST_RESTS)
    if not emit.trainable or not (longest or getattr(rule, "effort", 0)):
        return None
    stored = whole("stored", getattr(rule, "stored", 0), 0, MOST_STORED)
    if longest and not stored:
        raise InputError(
            f"method {rule.method!r} lets stored samples rest; how many there are must be said: the setting stored=1000, say"
        )
    bits = streak_bits(longest) if longest else 0
    with emit.layer(emit.network.parametric[-1]):
        streaks = emit.state("streaks", ((stored * bits + 7) // 8,), dtype="uint8") if longest else None
        if getattr(rule, "effort", 0):
            govern(emit, rule, streaks, stored or MOST_STORED, bits, longest)
        else:
            emit("rest", streaks=streaks, N=stored, bits=bits, most=longest)
    return streaks


def wake(emit: Emitter, rule: Rule, streaks: Buffer | None) -> None:
    """Emit, behind a decision, what ends the streak of a sample that is trained; InputError where nothing decides."""
    if streaks is None:
        return
    if emit.instructions[-1].phase != "decision":
        raise InputError(f"method {rule.method!r} lets samples rest that it skips, but decides nothing; rests must be 0")
    first: Any = emit.instructions[0]
    emit("wake", streaks=streaks, N=first["N"], bits=first["bits"])
