"""Who watches which run. No queue per client: a client is a position in the run's own bounded history.

A message is a ``milestone`` (a state, a finished trial or run, the verdict), of which none is ever left out, or
``progress``, of which only the latest counts. Sequence numbers only grow; milestones also carry consecutive
``milestone`` numbers, so that a client can see that it has them all. A client that is slow skips progress and costs
nobody anything; one that comes back says what it saw last and receives what it missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

MOST_MILESTONES = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One message, encoded once for all clients."""

    sequence: int
    text: str


@dataclass(slots=True)
class Channel:
    """One run's messages. Milestones beyond ``MOST_MILESTONES`` are dropped from the old end."""

    run_id: str
    sequence: int = 0
    milestone: int = 0
    milestones: deque[Message] = field(default_factory=lambda: deque(maxlen=MOST_MILESTONES))
    progress: Message | None = None
    watchers: int = 0
    over: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish_milestone(self, kind: str, body: Mapping[str, Any], over: bool = False) -> int:
        """Tells every watcher; returns the sequence number."""
        self.sequence += 1
        self.milestone += 1
        self.milestones.append(self._encode({"type": kind, "milestone": self.milestone, **body}))
        self.progress = None
        self.over = over
        self._wake()
        return self.sequence

    def publish_progress(self, body: Mapping[str, Any]) -> int:
        """Takes the place of the progress told before."""
        self.sequence += 1
        self.progress = self._encode({"type": "progress", **body})
        self._wake()
        return self.sequence

    def after(self, sequence: int) -> list[Message]:
        """What a client that saw ``sequence`` has still to see, in order."""
        missed = [message for message in self.milestones if message.sequence > sequence]
        if self.progress is not None and self.progress.sequence > sequence:
            missed.append(self.progress)
        return missed

    async def wait(self) -> None:
        """Until the next message."""
        await self._changed.wait()

    def _encode(self, body: Mapping[str, Any]) -> Message:
        text = orjson.dumps({"run_id": self.run_id, "sequence": self.sequence, **body}).decode()
        return Message(self.sequence, text)

    def _wake(self) -> None:
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()


@dataclass(slots=True)
class Hub:
    """The channels in use, and how many watch in all. Channels that are over and not watched are kept up to a bound."""

    most_watchers: int
    most_channels: int = 256
    channels: dict[str, Channel] = field(default_factory=dict)
    watchers: int = 0

    def channel(self, run_id: str, sequence: int = 0) -> Channel:
        """The run's channel; a new one starts after ``sequence``."""
        found = self.channels.get(run_id)
        if found is None:
            self._make_room()
            found = self.channels[run_id] = Channel(run_id, sequence)
        return found

    def enter(self, channel: Channel) -> bool:
        """Counts a watcher in; False when there are too many."""
        if self.watchers >= self.most_watchers:
            return False
        self.watchers += 1
        channel.watchers += 1
        return True

    def leave(self, channel: Channel) -> None:
        self.watchers -= 1
        channel.watchers -= 1

    def _make_room(self) -> None:
        idle = [name for name, one in self.channels.items() if one.over and not one.watchers]
        for name in idle[: max(0, len(self.channels) - self.most_channels + 1)]:
            del self.channels[name]
