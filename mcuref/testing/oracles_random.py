"""Random numbers in plain Python integers: Philox2x32-10, and which of n entries are drawn."""


def philox(stream: int, index: int, key: int = 0) -> tuple[int, int]:
    """The two words of Philox2x32-10 with that key and counter (index, stream)."""
    low, high = index % 2**32, stream % 2**32
    for i in range(10):
        product = low * 0xD256D193
        low, high = (product >> 32) ^ ((key + i * 0x9E3779B9) % 2**32) ^ high, product % 2**32
    return low, high


def drawn(n: int, k: int, seed: int, number: int) -> list[int]:
    """Ascending indices of the k of n entries that selection ``number`` of a program draws, whose network has that seed.

    Each entry is taken with the probability that it would have in a fair draw of those that are still to be taken.
    """
    words = [word for block in range((n + 1) // 2) for word in philox(0xC0000000 + number, block, seed)]
    taken: list[int] = []
    for i in range(n):
        if words[i] * (n - i) < 2**32 * (k - len(taken)):
            taken.append(i)
    return taken
