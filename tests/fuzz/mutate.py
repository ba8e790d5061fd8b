"""Seeded damage to a whole input: what disks, editors and interrupted copies do to a file."""

from __future__ import annotations

from random import Random

WORDS = (
    b"null", b"{}", b"[]", b"-1", b"0", b"1e999", b"NaN", b"9" * 25, b"9" * 5000, b'""', b"\xff\xfe", b"\x00",
    b"\xef\xbb\xbf", b"\r\n", b",", b'"', b"{", b"[" * 2000, b"true", b"1.5", b"../", b"\\ud800",
)  # fmt: skip


def mutated(random: Random, seeds: list[bytes], most: int = 6) -> bytes:
    """One of ``seeds`` after 0 to ``most`` changes: flips, cuts, insertions, repetitions, splices."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.randint(0, most)):
        at = random.randint(0, len(data))
        to = min(len(data), at + random.randint(0, 12))
        action = random.randrange(7)
        if action == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif action == 1:
            del data[at:to]
        elif action == 2:
            data[at:to] = random.choice(WORDS)
        elif action == 3:
            data[at:at] = random.randbytes(random.randint(1, 8))
        elif action == 4:
            data[at:at] = data[at:to] * random.randint(1, 20)
        elif action == 5:
            other = random.choice(seeds)
            cut = random.randint(0, len(other))
            data[at:] = other[cut:]
        else:
            del data[at:]
    return bytes(data)
