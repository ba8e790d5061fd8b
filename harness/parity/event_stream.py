"""Order events of any number, read in blocks and compared side by side.

Lean writes them as one line, each event starting with its id. In such a text ``},{"id":"`` stands between two events
and nowhere else (inside a JSON string the quotes would be escaped), so blocks are cut there without parsing. Blocks
of equal bytes are only counted and checked to be JSON; the events of unequal blocks are compared one by one, first as
bytes, then as numbers. A text of another layout, or one that does not hold as many events as it was cut into, is
decoded as a whole.
"""

from __future__ import annotations

import operator
from collections.abc import Set
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

import msgspec

from harness.errors import DamagedError
from harness.parity.missing import MISSING, Missing
from harness.parity.rules import ParityRules
from harness.parity.values import Difference, compare
from harness.results.decoding import damaged, decode_exact
from harness.results.lean_results import LeanResults
from harness.results.paths import ANY_INDEX
from harness.results.volatile import ORDER_EVENTS

BLOCK_BYTES = 4 << 20
DETAILED_EVENTS = 20
COUNTED_EVENTS = 100_000
_OPENING = b'[{"id":"'
_BETWEEN = b'},{"id":"'
_WHITE = b" \t\r\n"


class _ForeignLayoutError(Exception):
    """The text is not laid out as Lean does; it has to be decoded as a whole."""


@dataclass(frozen=True, slots=True)
class EventDifference:
    """One differing order event: its index, both events (:data:`MISSING` for none), the fields that differ."""

    index: int
    left: Any
    right: Any
    fields: tuple[Difference, ...]


@dataclass(slots=True)
class EventComparison:
    """What :func:`compare_events` found. Counts are of events; ``details`` are the first differing ones.

    After :data:`COUNTED_EVENTS` differing ones the others are only counted as events; ``more`` says that there were.
    """

    left_count: int = 0
    right_count: int = 0
    differing: int = 0
    more: bool = False
    details: list[EventDifference] = field(default_factory=list)
    tolerances_used: dict[str, int] = field(default_factory=dict)


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An order event for comparison: absent is not default, numbers are decimals, a field not known is an error."""

    orderId: int  # noqa: N815 - Lean's names
    orderEventId: int  # noqa: N815
    id: str = ""
    algorithmId: str = ""  # noqa: N815
    symbol: str | msgspec.UnsetType = msgspec.UNSET
    symbolValue: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    symbolPermtick: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    time: Decimal | msgspec.UnsetType = msgspec.UNSET
    status: str | msgspec.UnsetType = msgspec.UNSET
    orderFeeAmount: Decimal | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    orderFeeCurrency: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    fillPrice: Decimal | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    fillPriceCurrency: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    fillQuantity: Decimal | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    direction: str | msgspec.UnsetType = msgspec.UNSET
    message: str | msgspec.UnsetType = msgspec.UNSET
    isAssignment: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    quantity: Decimal | msgspec.UnsetType = msgspec.UNSET
    stopPrice: Decimal | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    limitPrice: Decimal | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    isInTheMoney: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815


_strict = msgspec.json.Decoder(list[_Event])
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def compare_events(left: LeanResults, right: LeanResults, rules: ParityRules) -> EventComparison:
    """Compare two existing order-events files. ``DamagedError`` naming the one that cannot be read to its end."""
    try:
        with ExitStack() as stack:
            streams = stack.enter_context(left.open_order_events()), stack.enter_context(right.open_order_events())
            sides = _Side(streams[0], left.order_events_path), _Side(streams[1], right.order_events_path)
            if _ids_ignored(rules):
                sides[1].write_ids_like(sides[0])
            return _Comparer(*sides, rules).run()
    except _ForeignLayoutError:
        return _compare_whole(left, right, rules)


def events_at(results: LeanResults, indexes: Set[int]) -> dict[int, Any]:
    """The order events of the given indexes, as far as they are there, decoded exactly."""
    found: dict[int, Any] = {}
    last = max(indexes, default=-1)
    try:
        with results.open_order_events() as stream:
            side = _Side(stream, results.order_events_path)
            while side.count <= last and (block := side.block()) is not None:
                first = side.count
                side.count += block.count(_BETWEEN) + 1
                wanted = (
                    [index for index in range(first, side.count) if index in indexes]
                    if side.count > min(indexes)
                    else []
                )
                if wanted:
                    texts = block.split(_BETWEEN)
                    found |= {index: _decoded(texts[index - first], side.where) for index in wanted}
    except _ForeignLayoutError:
        events = _whole(results)
        return {index: events[index] for index in indexes if 0 <= index < len(events)}
    return found


def _compare_whole(left: LeanResults, right: LeanResults, rules: ParityRules) -> EventComparison:
    events = [_whole(results) for results in (left, right)]
    comparison = EventComparison(len(events[0]), len(events[1]))
    for index in range(max(len(events[0]), len(events[1]))):
        pair = [side[index] if index < len(side) else MISSING for side in events]
        _compare_event(index, pair[0], pair[1], rules, comparison)
    return comparison


class _Side:
    """One file: cut into blocks of whole events, without the brackets around all of them."""

    def __init__(self, stream: BinaryIO, where: object) -> None:
        self.stream = stream
        self.where = where
        self.count = 0
        self._rest = self._read(BLOCK_BYTES)
        self._ended = False
        self._replace: list[tuple[bytes, bytes]] = []
        if not self._rest.startswith(_OPENING):
            raise _ForeignLayoutError
        self._rest = self._rest[len(_OPENING) :]
        self._algorithm_id = self._first_algorithm_id()

    def write_ids_like(self, other: _Side) -> None:
        """Show this side's algorithm id as the other's, so that equal events have equal bytes."""
        mine, theirs = self._algorithm_id, other._algorithm_id
        if mine and theirs and mine != theirs:
            self._replace = [
                (b'{"id":"' + mine + b"-", b'{"id":"' + theirs + b"-"),
                (b'"algorithmId":"' + mine + b'"', b'"algorithmId":"' + theirs + b'"'),
            ]

    def block(self) -> bytes | None:
        """The next whole events (between their ``{"id":"`` and ``}``), None after the last."""
        if self._ended:
            return None
        while True:
            data = self._read(BLOCK_BYTES)
            self._rest = self._rest + data if self._rest else data
            if not data:
                return self._shown(self._last())
            cut = self._rest.rfind(_BETWEEN)
            if cut >= 0:
                block, self._rest = self._rest[:cut], self._rest[cut + len(_BETWEEN) :]
                return self._shown(block)

    def _last(self) -> bytes:
        self._ended = True
        text = self._rest.rstrip(_WHITE)
        if not text.endswith(b"}]"):
            raise DamagedError(f"{self.where}: ends in the middle of an event; half-written, run the backtest again")
        return text[:-2]

    def _shown(self, block: bytes) -> bytes:
        if self._replace:
            # The block lost its first opening; give it back for the replacement.
            block = _OPENING + block
            for mine, theirs in self._replace:
                block = block.replace(mine, theirs)
            block = block[len(_OPENING) :]
        return block

    def _read(self, size: int) -> bytes:
        try:
            return self.stream.read(size)
        except OSError as error:
            raise DamagedError(f"{self.where}: cannot be read ({error.strerror or error})") from error

    def _first_algorithm_id(self) -> bytes:
        end = self._rest.find(b"}")
        marker = self._rest.find(b'"algorithmId":"', 0, end if end >= 0 else None)
        if marker < 0:
            return b""
        start = marker + len(b'"algorithmId":"')
        return self._rest[start : self._rest.find(b'"', start)]


class _Comparer:
    """Walks two sides together; ``texts`` are events of unequal blocks that wait for their partners."""

    def __init__(self, left: _Side, right: _Side, rules: ParityRules) -> None:
        self.sides = left, right
        self.rules = rules
        self.comparison = EventComparison()
        self.texts: tuple[list[bytes], list[bytes]] = [], []

    def run(self) -> EventComparison:
        left, right = self.sides
        while self.comparison.differing < COUNTED_EVENTS:
            if not self.texts[0] and not self.texts[1] and not self.next_blocks():
                break
            for side, texts in zip(self.sides, self.texts, strict=True):
                if not texts and (block := side.block()) is not None:
                    texts.extend(block.split(_BETWEEN))
            size = min(map(len, self.texts)) or max(map(len, self.texts))
            index = max(left.count, right.count)
            taken = self.texts[0][:size], self.texts[1][:size]
            for side, texts, events in zip(self.sides, self.texts, taken, strict=True):
                del texts[:size]
                side.count += len(events)
            self.compare_texts(index, *taken)
        else:
            self.comparison.more = self.count_rest()
        self.comparison.left_count, self.comparison.right_count = left.count, right.count
        return self.comparison

    def count_rest(self) -> bool:
        """Count the events that are not compared any more; whether there were any."""
        before = [side.count for side in self.sides]
        for side, texts in zip(self.sides, self.texts, strict=True):
            if texts and _checked_count(_BETWEEN.join(texts), side.where) != len(texts):
                raise _ForeignLayoutError
            side.count += len(texts)
            while (block := side.block()) is not None:
                side.count += _checked_count(block, side.where)
        return before != [side.count for side in self.sides]

    def next_blocks(self) -> bool:
        """Count what both sides share in whole blocks, up to a difference; False when both have ended."""
        left, right = self.sides
        while True:
            blocks = left.block(), right.block()
            if blocks[0] is None and blocks[1] is None:
                return False
            if blocks[0] is None or blocks[0] != blocks[1]:
                for texts, block in zip(self.texts, blocks, strict=True):
                    texts.extend(block.split(_BETWEEN) if block is not None else [])
                return True
            size = _checked_count(blocks[0], left.where)
            left.count += size
            right.count += size

    def compare_texts(self, index: int, left: list[bytes], right: list[bytes]) -> None:
        """Compare events from ``index`` on, of which one side may have none."""
        wheres = self.sides[0].where, self.sides[1].where
        if not left or not right:
            self.only_one_side(index, left or right, wheres[0 if left else 1], on_left=bool(left))
            return
        differs = list(map(operator.ne, left, right))
        equal = [text for text, unequal in zip(left, differs, strict=True) if not unequal]
        if equal and _checked_count(_BETWEEN.join(equal), wheres[0]) != len(equal):
            raise _ForeignLayoutError
        positions = [position for position, unequal in enumerate(differs) if unequal]
        if positions:
            pair = [left[position] for position in positions], [right[position] for position in positions]
            for number in self.really_different(*pair):
                if len(self.comparison.details) >= DETAILED_EVENTS and not _special(self.rules):
                    self.comparison.differing += 1
                    continue
                events = [_decoded(side[number], where) for side, where in zip(pair, wheres, strict=True)]
                _compare_event(index + positions[number], events[0], events[1], self.rules, self.comparison)

    def only_one_side(self, index: int, texts: list[bytes], where: object, *, on_left: bool) -> None:
        if _checked_count(_BETWEEN.join(texts), where) != len(texts):
            raise _ForeignLayoutError
        detailed = min(len(texts), max(0, DETAILED_EVENTS - len(self.comparison.details)))
        if _special(self.rules):
            detailed = len(texts)  # those that are ignored are no differences, so each is looked at
        for number, text in enumerate(texts[:detailed]):
            event = _decoded(text, where)
            left, right = (event, MISSING) if on_left else (MISSING, event)
            _compare_event(index + number, left, right, self.rules, self.comparison)
        self.comparison.differing += len(texts) - detailed

    def really_different(self, left: list[bytes], right: list[bytes]) -> list[int]:
        """Positions whose events are not the same values, though perhaps within a tolerance or an extra rule."""
        try:
            columns = [_strict.decode(_joined(side)) for side in (left, right)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation):
            for file, texts in zip(self.sides, (left, right), strict=True):
                if _checked_count(_BETWEEN.join(texts), file.where) != len(texts):
                    raise _ForeignLayoutError from None
            return list(range(len(left)))  # an unknown field or another type: looked into one by one
        if len(columns[0]) != len(left) or len(columns[1]) != len(right):
            raise _ForeignLayoutError
        if _ids_ignored(self.rules):
            for side in columns:
                _drop_ids(side)
        return [position for position, differs in enumerate(map(operator.ne, *columns)) if differs]


def _drop_ids(events: list[_Event]) -> None:
    for event in events:
        event.id = event.algorithmId = ""


def _checked_count(block: bytes, where: object) -> int:
    """The number of events in a block, after checking that it is JSON."""
    try:
        return len(_raw_list.decode(_OPENING + block + b"}]"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(where, error) from error


def _decoded(text: bytes, where: object) -> Any:
    events = decode_exact(_joined([text]), where)
    if len(events) != 1:
        raise _ForeignLayoutError
    return events[0]


def _compare_event(index: int, left: Any, right: Any, rules: ParityRules, comparison: EventComparison) -> None:
    found = compare(left, right, rules, (ORDER_EVENTS, index))
    for name, count in found.tolerances_used.items():
        comparison.tolerances_used[name] = comparison.tolerances_used.get(name, 0) + count
    if not found.found:
        return
    comparison.differing += 1
    if len(comparison.details) < DETAILED_EVENTS:
        missing = isinstance(left, Missing) or isinstance(right, Missing)
        comparison.details.append(EventDifference(index, left, right, () if missing else tuple(found.found)))


def _ids_ignored(rules: ParityRules) -> bool:
    """Whether the rules leave both ids out of every event; a rule about single events says nothing about the others."""
    events = rules.ignored_tree.step(ORDER_EVENTS)
    each = events.children.get(ANY_INDEX) if events is not None else None
    return each is not None and all(each.find((name,)) is not None for name in ("id", "algorithmId"))


def _special(rules: ParityRules) -> bool:
    """Whether the rules say anything about order events beyond their ids."""
    events = rules.ignored_tree.step(ORDER_EVENTS)
    below = events.children.get(ANY_INDEX) if events is not None else None
    more = events is not None and (
        events.value is not None
        or below is None
        or below.value is not None
        or set(below.children) - {"id", "algorithmId"}
        or len(events.children) > 1
    )
    return bool(more) or rules.tolerance_tree.step(ORDER_EVENTS) is not None


def _joined(events: list[bytes]) -> bytes:
    return _OPENING + _BETWEEN.join(events) + b"}]"


def _whole(results: LeanResults) -> list[Any]:
    where = results.order_events_path
    with results.open_order_events() as stream:
        events = decode_exact(stream.read(), where)
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise DamagedError(f"{where}: is not a list of order events; run the backtest again")
    return events
