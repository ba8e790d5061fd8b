"""``docs/decisions.md``: what was decided, when, why, and for which story. Entries are added, never changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DamagedError, InputError
from harness.results.lock import FolderLock
from harness.results.store import write_bytes

HEADING = "# Decisions\n\nNewest last. Kept by `harness log`; entries are added, never changed.\n"
WAIT_S = 30.0
_ENTRY = re.compile(r"^## (\d+)\. (\d{4}-\d{2}-\d{2}) (.+?)((?: `#[\w.-]+`)*)$")
_TAG = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. ``date`` is ISO; ``tags`` are story tags without ``#``."""

    number: int
    date: str
    title: str
    reason: str
    tags: tuple[str, ...] = ()
    evidence: str = ""


def read_decisions(path: Path) -> list[Decision]:
    """All decisions in order; none when there is no file. Raises ``DamagedError`` for numbers out of order."""
    if not path.exists():
        return []
    found: list[Decision] = []
    head: re.Match[str] | None = None
    body: list[str] = []

    def finish() -> None:
        if head is not None:
            evidence = next((line.removeprefix("Evidence: ") for line in body if line.startswith("Evidence: ")), "")
            reason = "\n".join(line for line in body if not line.startswith("Evidence: ")).strip()
            tags = tuple(tag.strip(" `#") for tag in head[4].split())
            found.append(Decision(int(head[1]), head[2], head[3], reason, tags, evidence))

    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError(f"{path}: is not UTF-8 (byte {error.start}); restore it from version control") from error
    for line in text.splitlines():
        match = _ENTRY.match(line)
        if match is None:
            body.append(line)
            continue
        finish()
        head, body = match, []
    finish()
    if [item.number for item in found] != list(range(1, len(found) + 1)):
        raise DamagedError(f"{path}: the decisions are not numbered 1 to {len(found)}; correct the headings")
    return found


def add_decision(
    path: Path, date: str, title: str, reason: str, tags: tuple[str, ...] = (), evidence: str = ""
) -> Decision:
    """Adds a decision at the end, the file written whole. Raises ``InputError`` for an empty title or a bad tag."""
    title, reason = " ".join(title.split()), reason.strip()
    if not title or not reason:
        raise InputError("log: a decision needs a title and a reason (--why)")
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise InputError(f"--tag {tag!r}: letters, digits, '.', '_' and '-' only")
    if any(line.startswith("## ") for line in reason.splitlines()):
        raise InputError("--why: a line begins with '## ', which begins an entry; write it otherwise")
    with FolderLock(path.parent, "harness log", wait_s=WAIT_S):  # two at once: both are kept, one after the other
        made = Decision(len(read_decisions(path)) + 1, date, title, reason, tags, " ".join(evidence.split()))
        old = path.read_text("utf-8") if path.exists() else HEADING
        words = "".join(f" `#{tag}`" for tag in tags)
        proof = f"\nEvidence: {made.evidence}\n" if made.evidence else ""
        entry = f"\n## {made.number}. {date} {title}{words}\n\n{reason}\n{proof}"
        write_bytes(path, (old.rstrip("\n") + "\n" + entry).encode())
    return made
