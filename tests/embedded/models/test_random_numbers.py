"""Numbers of seeded generators as .NET gives them."""

from __future__ import annotations

import pytest

from harness.embedded.models import Random


@pytest.mark.parametrize(
    ("seed", "numbers"),
    [(1, [534011718, 237820880, 1002897798]), (42, [1434747710, 302596119, 269548474])],
)
def test_numbers_of_dotnet(seed: int, numbers: list[int]) -> None:
    generator = Random(seed)
    assert [generator.next() for _ in numbers] == numbers


def test_ranges() -> None:
    generator = Random(0)
    assert [generator.next(100) for _ in range(3)] == [72, 81, 76]
    assert 0 <= generator.next_double() < 1
    assert all(-5 <= generator.Next(-5, 5) < 5 for _ in range(50))
    assert -(2**31) <= generator.next(-(2**31), 2**31 - 1) < 2**31 - 1
    with pytest.raises(ValueError, match="cannot be greater"):
        generator.next(2, 1)


def test_no_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="give it a seed"):
        Random()
