"""``python -m harness.embedded.coverage``: the coverage page, read off the classes that user code meets.

Members are those that the classes define (in ``snake_case``; each also answers to Lean's ``PascalCase``), with the
attributes that their methods set. Nothing is listed by hand but areas, sentences, and what is not covered.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from harness.embedded import algorithm_imports
from harness.embedded.algorithm import QCAlgorithm
from harness.embedded.consolidators.base import ConsolidatorBase
from harness.embedded.consolidators.subscription_manager import SubscriptionManager
from harness.embedded.data import QuoteBar, Slice, TradeBar
from harness.embedded.enums import BrokerageName, DataNormalizationMode, OrderType, Resolution
from harness.embedded.feed.security_cache import SecurityCache
from harness.embedded.indicators.base import IndicatorBase
from harness.embedded.models.brokerage import create_brokerage_model
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.object_store import ObjectStore
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.order import Order
from harness.embedded.orders.ticket import OrderTicket
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol
from harness.embedded.scheduling.date_rules import DateRules
from harness.embedded.scheduling.schedule_manager import ScheduleManager
from harness.embedded.scheduling.time_rules import TimeRules
from harness.embedded.securities.cash import Cash, CashBook
from harness.embedded.securities.exchange import SecurityExchange
from harness.embedded.securities.holding import SecurityHolding
from harness.embedded.securities.manager import SecurityManager
from harness.embedded.securities.portfolio import SecurityPortfolioManager
from harness.embedded.securities.security import Security
from harness.embedded.settings import AlgorithmSettings
from harness.embedded.transactions.manager import SecurityTransactionManager
from harness.embedded.uncovered import UNCOVERED

CLASSES: tuple[type, ...] = (
    QCAlgorithm,
    Security,
    SecurityExchange,
    SecurityHolding,
    SecurityCache,
    SecurityManager,
    SecurityPortfolioManager,
    SecurityTransactionManager,
    SubscriptionManager,
    ScheduleManager,
    DateRules,
    TimeRules,
    Slice,
    TradeBar,
    QuoteBar,
    Order,
    OrderTicket,
    OrderEvent,
    Cash,
    CashBook,
    AlgorithmSettings,
    ObjectStore,
    Symbol,
    SecurityIdentifier,
)
"""The classes whose members the page lists; an uncovered member of one is refused by name."""

_MODEL_PACKAGES = ("harness.embedded.models", "harness.embedded.fills")

_START = """# The embedded engine: what it covers of Lean

Written by `python -m harness.embedded.coverage --write docs/embedded-engine.md`; a test holds this page against the
code.

The engine (`--engine embedded`) runs Lean's Python algorithms on US equities, in the harness's own process, and is
held against recordings of real Lean by `harness conformance`. Every member below is there in both of Lean's spellings
(`market_order`, `MarketOrder`). Whatever is not covered raises `NotSupportedError`, which names the member and the
engines that have it (`--engine launcher`, `--engine lean`); a misspelt member raises `AttributeError` with the nearest
name. Nothing is approximated.

What is left out would each need a part of Lean of its own: options (chains, exercise, Greeks, strategy margin), futures
(continuous contracts, mappings, settlement), forex and crypto (several currencies with conversion feeds), universe
selection (coarse and fundamental data), the framework models (insights and what acts on them), custom data, ticks, and
live mode.
"""


def members(kind: type) -> list[str]:
    """Public ``snake_case`` members of a class and its bases in this engine, attributes of instances included."""
    names: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith("harness.embedded"):
            continue
        names.update(vars(base))
        names.update(_attributes(base))
    return sorted(name for name in names if name[:1].islower() and name == name.lower())


@functools.cache
def _attributes(kind: type) -> frozenset[str]:
    """Names that a class annotates, or that its methods set on ``self``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return frozenset(found | set(vars(kind).get("__annotations__", {})))


def uncovered_members(class_name: str) -> list[str]:
    """Members of a class that are refused by name."""
    return sorted(name for names in UNCOVERED.get(class_name, {}).values() for name in names.split())


def _derived(root: type, packages: Iterable[str]) -> list[str]:
    """Public classes below ``root`` in the engine's packages."""
    found = set()
    for package_name in packages:
        package = importlib.import_module(package_name)
        for module_info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package_name}.{module_info.name}")
            for name, value in vars(module).items():
                if (
                    inspect.isclass(value)
                    and value.__module__ == module.__name__
                    and issubclass(value, root)
                    and not name.startswith(("_", "User"))
                ):
                    found.add(name)
    return sorted(found)


def _public(ending: str) -> list[str]:
    """Public classes whose names end so, of those that user code can import."""
    return sorted(
        name
        for name in algorithm_imports.__all__
        if name.endswith(ending)
        and inspect.isclass(getattr(algorithm_imports, name))
        and getattr(algorithm_imports, name).__module__.startswith(_MODEL_PACKAGES)
        and not name.startswith("User")
    )


def _brokerages() -> tuple[list[str], list[str]]:
    covered, refused = [], []
    for name in BrokerageName:
        try:
            create_brokerage_model(name)
        except NotSupportedError:
            refused.append(str(name))
        else:
            covered.append(str(name))
    return covered, refused


def _paragraph(names: Iterable[str], before: str = "") -> str:
    text = before + (", ".join(f"`{name}`" for name in names) or "none")
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


_REFUSED_SLIPPAGE = "MarketImpactSlippageModel"


def page() -> str:
    """The whole page in Markdown."""
    parts = [_START]
    brokerages, refused = _brokerages()
    orders = [str(kind) for kind in OrderType if not str(kind).startswith(("COMBO", "OPTION"))]
    table = {
        "Order types": (orders, [str(kind) for kind in OrderType if str(kind) not in orders]),
        "Resolutions": ([str(r) for r in Resolution if r is not Resolution.TICK], [str(Resolution.TICK)]),
        "Price normalisation": (
            [str(m) for m in DataNormalizationMode if m.value <= 3],
            [str(m) for m in DataNormalizationMode if m.value > 3],
        ),
        "Brokerages": (brokerages, refused),
        "Fill models": (_public("FillModel"), []),
        "Fee models": (_public("FeeModel"), []),
        "Slippage models": (
            [name for name in _public("SlippageModel") if name != _REFUSED_SLIPPAGE],
            [_REFUSED_SLIPPAGE],
        ),
        "Buying power models": (_public("BuyingPowerModel") + _public("MarginModel"), []),
        "Settlement models": (_public("SettlementModel"), []),
        "Margin call models": (_public("MarginCallModel"), []),
        "Shortable providers": (_public("ShortableProvider"), []),
        "Volatility models": (_public("VolatilityModel"), []),
        "Indicators": (
            _derived(IndicatorBase, ["harness.embedded.indicators", "harness.embedded.indicators.candlesticks"]),
            [],
        ),
        "Consolidators": (_derived(ConsolidatorBase, ["harness.embedded.consolidators"]), []),
    }
    parts.append("## Areas\n")
    for area, (covered, left_out) in table.items():
        parts.append(f"**{area}**\n\n{_paragraph(covered)}\n")
        if left_out:
            parts.append(_paragraph(left_out, "Not covered: ") + "\n")
    parts.append(
        "**History**: by count, `timedelta` or start and end; of one symbol, several or all; as a data frame, as "
        "slices,\nor typed (`history[TradeBar]`, `history[QuoteBar]`); at every resolution but ticks; with "
        "`fill_forward`,\n`extended_market_hours` and `data_normalization_mode`.\n"
    )
    parts.append(
        "**Own models**: a user's fee, fill, slippage, buying power, settlement, margin call, margin interest, "
        "shortable\nand brokerage model, security initializer, indicator and consolidator, in either spelling.\n"
    )
    parts.append("## Members by class\n")
    for kind in CLASSES:
        name = kind.__name__
        refused_here = set(uncovered_members(name))
        covered_here = [member for member in members(kind) if member not in refused_here]
        parts.append(f"### {name}\n\n{_paragraph(covered_here)}\n")
        for reason, names in UNCOVERED.get(name, {}).items():
            parts.append(_paragraph(sorted(names.split()), f"Not covered, {reason}: ") + "\n")
    parts.append(
        f"## Classes not covered\n\nThey can be imported and named in annotations; use raises `NotSupportedError`.\n\n"
        f"{_paragraph(algorithm_imports.UNCOVERED_CLASSES)}\n"
    )
    return "\n".join(parts)


def main(argv: list[str]) -> int:
    """Print the page, or write it to the file after ``--write``."""
    if argv and (argv[0] != "--write" or len(argv) != 2):
        print("harness.embedded.coverage: give nothing, or --write FILE", file=sys.stderr)
        return 2
    if argv:
        Path(argv[1]).write_text(page(), "utf-8")
    else:
        print(page(), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
