"""The two sides of a comparison, when the command line names others than ``harness.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.bench.setup import Variant
    from harness.config import Settings


@dataclass(frozen=True, slots=True)
class SideChoice:
    """What the command line says about one side: a git ref, parameters, an algorithm ``file.py[:Class]``."""

    ref: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    algorithm: str | None = None

    @property
    def empty(self) -> bool:
        return self.ref is None and not self.parameters and self.algorithm is None


def resolve_sides(
    settings: Settings, scenario: str, parameters: Mapping[str, str], baseline: SideChoice, candidate: SideChoice
) -> tuple[tuple[str, Variant], tuple[str, Variant]] | None:
    """Names and variants of both sides, baseline first; None when the settings' own are meant.

    With a ref on either side both take the candidate variant's parameters: versions are compared, not parameters.
    """
    from harness.bench.prepare import resolve_variant

    if baseline.empty and candidate.empty:
        return None
    by_ref = baseline.ref is not None or candidate.ref is not None
    names = (settings.bench.candidate if by_ref else settings.bench.baseline, settings.bench.candidate)
    made = []
    for word, name, side in (("baseline", names[0], baseline), ("candidate", names[1], candidate)):
        variant = resolve_variant(settings, scenario, name, {**parameters, **side.parameters})
        label, variant = _changed(settings, variant, side)
        made.append((f"{word}-{label}" if label else word, variant))
    return made[0], made[1]


def _changed(settings: Settings, variant: Variant, side: SideChoice) -> tuple[str, Variant]:
    from dataclasses import replace

    from harness.commands.run import only_class
    from harness.versions.worktrees import Repository

    label = ""
    if side.algorithm is not None:
        file, _, class_name = side.algorithm.partition(":")
        path = Path(file).resolve()
        variant = replace(variant, algorithm_file=path, algorithm_class=class_name or only_class(path))
        label = path.stem
    if side.ref is not None:
        repository = Repository.of(settings.root, versions_folder(settings))
        version = repository.checkout(side.ref)
        variant = replace(variant, algorithm_file=repository.inside(version, variant.algorithm_file))
        label = version.short
    return label, variant


def versions_folder(settings: Settings) -> Path:
    """Where worktrees are kept: a cache, made again when removed."""
    return settings.path(settings.folders.cache) / "versions"
