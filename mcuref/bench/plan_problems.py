"""Memory plans that are hard to make: problems that a megabyte is known to hold, most of it in use all the time.

A rectangle of 1,024 instructions by 1,024 KiB is cut into buffers, each as long and as large as its piece, and a few are
left out. Put back where they were cut, the others fit; which that was, nothing says.
"""

import random

Lifetime = tuple[int, int, int]  # bytes, first and last instruction
Piece = tuple[int, int, int, int]  # from and to instruction, from and to KiB

SPAN = 1024  # instructions, and KiB
KINDS = ("cuts", "bands", "wheels", "phases")


def hard_problem(kind: str, buffers: int, seed: int, unused: float = 0.05) -> list[Lifetime]:
    """About ``buffers`` lifetimes, [(bytes, first, last), ...], of which a plan of 1 MiB exists.

    Parameters
    ----------
    kind : "cuts" (straight through a piece), "bands" (more of them in time: long lives, small sizes), "wheels" (half of
        the cuts leave five pieces around a corner: no straight cut parts them) or "phases" (a piece is cut into several,
        in time and in bytes by turns: many short lives beside long ones).
    buffers, seed : int. The same arguments give the same problem.
    unused : share of the bytes, over time, that is left out at most.
    """
    draw = random.Random(f"{kind} {buffers} {seed}")
    pieces = [(0, SPAN, 0, SPAN)]
    while len(pieces) < buffers:
        areas = [(b - a) * (d - c) for a, b, c, d in pieces]
        weights = [area**0.5 for area in areas] if kind == "bands" else areas
        i = draw.choices(range(len(pieces)), weights)[0]
        pieces[i : i + 1] = _cut(kind, pieces[i], draw)
    draw.shuffle(pieces)
    left_out, spare = 0, unused * SPAN * SPAN
    kept = []
    for a, b, c, d in pieces:
        area = (b - a) * (d - c)
        if area <= spare and left_out < buffers // 10:
            spare -= area
            left_out += 1
        else:
            kept.append((1024 * (d - c), a, b - 1))
    return kept


def _cut(kind: str, piece: Piece, draw: random.Random) -> list[Piece]:
    """Two or more pieces that fill a piece; itself if it is too small for the cut that was drawn."""
    a, b, c, d = piece
    if kind == "phases":
        parts = draw.choice((2, 2, 3, 4))
        if draw.random() < 0.5 and d - c >= parts:
            edges = [c, *sorted(draw.sample(range(c + 1, d), parts - 1)), d]
            return [(a, b, low, high) for low, high in zip(edges, edges[1:])]
        if b - a >= parts:
            edges = [a, *sorted(draw.sample(range(a + 1, b), parts - 1)), b]
            return [(begin, end, c, d) for begin, end in zip(edges, edges[1:])]
        return [piece]
    if kind == "wheels" and draw.random() < 0.5 and min(b - a, d - c) >= 6:
        x, y = draw.randint(a + 1, b - 2), draw.randint(c + 1, d - 2)
        xx, yy = draw.randint(x + 1, b - 1), draw.randint(y + 1, d - 1)
        return [(a, x, c, yy), (x, b, c, y), (xx, b, y, d), (a, xx, yy, d), (x, xx, y, yy)]
    if draw.random() < (0.6 if kind == "bands" else 0.5):
        if d - c < 2:
            return [piece]
        y = draw.randint(c + 1, d - 1)
        return [(a, b, c, y), (a, b, y, d)]
    if b - a < 2:
        return [piece]
    x = draw.randint(a + 1, b - 1)
    return [(a, x, c, d), (x, b, c, d)]
