"""Random numbers of .NET, seed for seed. Source: ``System.Random`` with a seed (``Net5CompatSeedImpl``).

Algorithms reach it as ``Random`` through ``AlgorithmImports``, and ``MarketImpactSlippageModel`` draws from it. The
generator is Knuth's subtractive one; its numbers are the same on every .NET version.
"""

from __future__ import annotations

from harness.embedded.naming import lean_api

_LARGEST = 2**31 - 1
_SEED = 161_803_398


@lean_api
class Random:
    """A seeded generator. An unseeded one would differ from run to run and is refused."""

    def __init__(self, seed: int | None = None) -> None:
        if seed is None:
            raise ValueError("Random() without a seed gives other numbers in every run; give it a seed")
        table = [0] * 56
        current = _SEED - (_LARGEST if seed == -(2**31) else abs(seed))
        table[55] = current
        previous = 1
        place = 0
        for _ in range(1, 55):
            place = (place + 21) % 55
            table[place] = previous
            previous = current - previous
            if previous < 0:
                previous += _LARGEST
            current = table[place]
        for _ in range(4):
            for i in range(1, 56):
                offset = i + 30
                if offset >= 55:
                    offset -= 55
                table[i] -= table[1 + offset]
                if table[i] < 0:
                    table[i] += _LARGEST
        self._table = table
        self._first = 0
        self._second = 21

    def _sample(self) -> int:
        self._first = self._first + 1 if self._first < 55 else 1
        self._second = self._second + 1 if self._second < 55 else 1
        value = self._table[self._first] - self._table[self._second]
        if value == _LARGEST:
            value -= 1
        if value < 0:
            value += _LARGEST
        self._table[self._first] = value
        return value

    def next_double(self) -> float:
        """A number in [0, 1)."""
        return self._sample() * (1.0 / _LARGEST)

    def next(self, min_value: int | None = None, max_value: int | None = None) -> int:
        """``next()``, ``next(max)`` or ``next(min, max)``, without the maximum. Raises ``ValueError`` if min > max."""
        if min_value is None:
            return self._sample()
        low, high = (0, min_value) if max_value is None else (min_value, max_value)
        if low > high:
            raise ValueError(f"'minValue' cannot be greater than maxValue ({low} > {high})")
        span = high - low
        if span <= _LARGEST:
            return int(self.next_double() * span) + low
        return int(self._large_sample() * span) + low

    def _large_sample(self) -> float:
        value = self._sample()
        if self._sample() % 2 == 0:
            value = -value
        return (value + (_LARGEST - 1)) / (2 * _LARGEST - 1)
