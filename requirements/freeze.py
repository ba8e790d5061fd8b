"""Writes the lock files from what is installed: ``base.lock`` for users, ``dev.lock`` for everything.

Run by ``make lock`` in the project's own environment. The files pin versions only; where packages come from is the
user's own pip configuration.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent


def closure(requirements: list[str]) -> dict[str, str]:
    """Name to version of everything these requirements need, as installed here."""
    found: dict[str, str] = {}
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            package = distribution(name)
        except PackageNotFoundError as error:
            raise SystemExit(f"{name}: is not installed; run `make setup` first") from error
        if name in found and not requirement.extras:
            continue
        found[name] = package.version
        for text in package.requires or []:
            inner = Requirement(text)
            waiting += [(inner, wanted) for wanted in ("", *requirement.extras)]
    return dict(sorted(found.items()))


def write(name: str, requirements: list[str]) -> None:
    lines = [f"{package}=={version}\n" for package, version in closure(requirements).items()]
    (HERE / name).write_text(
        f"# Written by `make lock`. Used as constraints: pip install -c {name} -e .\n" + "".join(lines)
    )
    print(f"requirements/{name}: {len(lines)} packages")


project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
everything = [text for group in project["optional-dependencies"].values() for text in group]
write("base.lock", project["dependencies"])
write("dev.lock", [*project["dependencies"], *everything])
