"""Commits as folders. A worktree is made once for each commit and kept; the user's own checkout is never touched."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EngineError, InputError


@dataclass(frozen=True, slots=True)
class Version:
    """A commit in a folder of its own."""

    ref: str
    commit: str
    folder: Path

    @property
    def short(self) -> str:
        return self.commit[:10]


@dataclass(frozen=True, slots=True)
class Repository:
    """The git repository that ``project`` lies in; worktrees go to ``folder``."""

    top: Path
    folder: Path

    @classmethod
    def of(cls, project: Path, folder: Path) -> Repository:
        """Raises ``InputError`` when ``project`` is in no git repository."""
        try:
            done = subprocess.run(
                ["git", "-C", str(project), "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False
            )
        except FileNotFoundError as error:
            raise InputError("git: not found; install it to compare versions by --baseline-ref") from error
        if done.returncode:
            raise InputError(f"{project}: not in a git repository; versions can only be taken from one")
        return cls(Path(done.stdout.strip()), folder)

    def commit(self, ref: str) -> str:
        """The full commit id of a branch, tag or id. Raises ``InputError`` when there is none."""
        done = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", ok=False)
        if done is None:
            raise InputError(f"{ref!r}: no such commit, branch or tag in {self.top}; fetch it first?")
        return done.strip()

    def checkout(self, ref: str) -> Version:
        """The version in its own folder, as committed: what is not committed is in no version."""
        commit = self.commit(ref)
        folder = self.folder / commit[:16]
        if not (folder / ".git").exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._git("worktree", "prune")
            self._git("worktree", "add", "--quiet", "--detach", "--force", str(folder), commit)
        elif self._in(folder, "rev-parse", "HEAD") != commit or self._in(folder, "status", "--porcelain"):
            raise InputError(f"{folder}: was changed; remove it with `git worktree remove --force {folder}`")
        return Version(ref, commit, folder)

    def between(self, good: str, bad: str) -> list[str]:
        """Commits after ``good`` up to ``bad``, oldest first, along first parents.

        Raises ``InputError`` when ``good`` is not an ancestor of ``bad``.
        """
        first, last = self.commit(good), self.commit(bad)
        if self._git("merge-base", "--is-ancestor", first, last, ok=False) is None:
            raise InputError(f"{good!r} is not an ancestor of {bad!r}; give the older, good commit with --good")
        listed = self._git("rev-list", "--first-parent", "--reverse", f"{first}..{last}") or ""
        return listed.split()

    def subject(self, commit: str) -> str:
        """The first line of the commit's message, with author and date."""
        return (self._git("show", "--no-patch", "--format=%s (%an, %as)", commit) or "").strip()

    def inside(self, version: Version, path: Path) -> Path:
        """The same file in the version's folder. Raises ``InputError`` when it is not there, or in no version."""
        try:
            relative = path.resolve().relative_to(self.top.resolve())
        except ValueError as error:
            raise InputError(f"{path}: outside the repository {self.top}, so it has no versions") from error
        found = version.folder / relative
        if not found.is_file():
            raise InputError(f"{relative}: not in version {version.ref} ({version.short})")
        return found

    def _git(self, *words: str, ok: bool = True) -> str | None:
        done = subprocess.run(["git", "-C", str(self.top), *words], capture_output=True, text=True, check=False)
        if done.returncode and ok:
            raise EngineError(f"git {words[0]}: {' '.join(done.stderr.split()) or 'failed'}")
        return None if done.returncode else done.stdout

    @staticmethod
    def _in(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()
