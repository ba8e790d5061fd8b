"""The coverage page says what the code does, and what is not covered is refused by name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from harness.embedded import algorithm_imports, coverage
from harness.embedded.engine import install_algorithm_imports
from harness.embedded.naming import pascal_case
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.uncovered import UNCOVERED, missing_member

_PAGE = Path(__file__).parents[2] / "docs" / "embedded-engine.md"


def test_page_is_what_the_code_gives() -> None:
    assert _PAGE.read_text("utf-8") == coverage.page(), "run python -m harness.embedded.coverage --write the page"


def test_every_class_with_uncovered_members_is_on_the_page() -> None:
    assert set(UNCOVERED) <= {kind.__name__ for kind in coverage.CLASSES}


@pytest.mark.parametrize("kind", coverage.CLASSES, ids=lambda kind: kind.__name__)
def test_no_member_is_both_covered_and_refused(kind: type) -> None:
    refused = set(coverage.uncovered_members(kind.__name__))
    assert not {name for name in refused if hasattr(kind, name) or hasattr(kind, pascal_case(name))}


@pytest.mark.parametrize("kind", coverage.CLASSES, ids=lambda kind: kind.__name__)
def test_members_of_a_class_answer_to_both_spellings(kind: type) -> None:
    own = {name for name in vars(kind) if name in coverage.members(kind) and not name.endswith("_us")}
    names = {name for name in own if not hasattr(kind, pascal_case(name)) and pascal_case(name) != name}
    special = {"id"}
    assert names <= special


@pytest.mark.parametrize("class_name", sorted(UNCOVERED))
def test_uncovered_members_are_refused_by_name(class_name: str) -> None:
    kind = next(kind for kind in coverage.CLASSES if kind.__name__ == class_name)
    # Made without its constructor: only the lookup of missing members is asked for.
    target: Any = object.__new__(kind)
    for name in coverage.uncovered_members(class_name):
        for spelling in (name, pascal_case(name)):
            error = missing_member(target, class_name, spelling)
            assert isinstance(error, NotSupportedError)
            assert error.member == f"{class_name}.{name}"
            assert "--engine launcher or --engine lean" in str(error)


@pytest.mark.parametrize("class_name", sorted(set(UNCOVERED) - {"Security", "QCAlgorithm"}))
def test_missing_members_of_an_object_go_through_the_list(class_name: str) -> None:
    kind = next(kind for kind in coverage.CLASSES if kind.__name__ == class_name)
    target: Any = object.__new__(kind)
    with pytest.raises(NotSupportedError):
        getattr(target, coverage.uncovered_members(class_name)[0])
    with pytest.raises(AttributeError, match="has no attribute 'no_such_thing_at_all'"):
        _ = target.no_such_thing_at_all
    assert not hasattr(target, "_private_thing")


def test_a_typo_is_told_with_the_nearest_name() -> None:
    target: Any = object.__new__(next(kind for kind in coverage.CLASSES if kind.__name__ == "SecurityPortfolioManager"))
    with pytest.raises(AttributeError, match="Did you mean: 'total_portfolio_value'"):
        _ = target.total_portfolio_valeu


def test_other_helpers_and_namespaces_are_refused_when_used() -> None:
    install_algorithm_imports()
    with pytest.raises(NotSupportedError, match=r"Extensions\.is_option"):
        _ = algorithm_imports.Extensions.is_option
    namespace = importlib.import_module("QuantConnect.Lean.Engine.DataFeeds")
    provider = importlib.import_module("QuantConnect.Lean.Engine.DataFeeds.DefaultDataProvider")
    assert namespace.TradeBar is algorithm_imports.TradeBar
    with pytest.raises(NotSupportedError, match=r"DataFeeds\.DefaultDataProvider"):
        provider()
    with pytest.raises(NotSupportedError, match=r"DataFeeds\.DefaultDataProvider"):

        class Mine(provider):  # type: ignore[misc, valid-type]
            pass


@pytest.mark.parametrize("name", algorithm_imports.UNCOVERED_CLASSES)
def test_uncovered_classes_are_refused_when_used(name: str) -> None:
    kind = getattr(algorithm_imports, name)
    derived = type("Mine", (kind,), {})
    for made in (kind, derived):
        with pytest.raises(NotSupportedError) as caught:
            made()
        assert caught.value.member == name
