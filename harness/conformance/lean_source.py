"""Lean's own regression algorithms, from a checkout that the user has: run as they are, their statistics compared.

Nothing of Lean is kept here: the expected statistics are read from the checkout's C# twins at run time.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.conformance.outcome import Difference, Outcome, Verdict
from harness.conformance.process import EMBEDDED, EngineExit, run_engine
from harness.errors import InputError

_STATISTICS = re.compile(
    r"ExpectedStatistics\s*=>\s*new\s*(?:Dictionary<string,\s*string>)?\s*(?:\(\))?\s*(?:\{(.*?)\})?;", re.DOTALL
)
_PAIR = re.compile(r'\{\s*"((?:[^"\\]|\\.)*)"\s*,\s*"((?:[^"\\]|\\.)*)"\s*\}')
_CLASS = re.compile(r"public\s+class\s+(\w+)\s*:")
_NOT_LOCALLY = re.compile(r"CanRunLocally\s*(?:\{\s*get;\s*\}\s*=|=>)\s*false")
_LANGUAGES = re.compile(r"List<Language>\s+Languages")
_PYTHON_TWIN = re.compile(r"Language\.Python")
_PYTHON_CLASS = re.compile(r"^class\s+(\w+)\s*\(", re.MULTILINE)
# What marks an algorithm as being about something else than US equities.
_OTHER = re.compile(
    r"\b(add_option|add_future|add_forex|add_crypto|add_cfd|add_index|add_data|add_universe|set_universe_selection|"
    r"add_universe_selection|set_alpha|add_alpha|option_chain|SecurityType\.(OPTION|FUTURE|FOREX|CRYPTO|CFD|INDEX)|"
    r"PythonData|AlphaModel|set_portfolio_construction|set_risk_management|add_option_contract|add_future_contract)\b"
)


@dataclass(frozen=True, slots=True)
class LeanAlgorithm:
    """A Python regression algorithm of Lean with what its C# twin expects."""

    name: str
    python_file: Path
    expected: Mapping[str, str]


def find_algorithms(source: Path, names: Sequence[str] = ()) -> list[LeanAlgorithm]:
    """Python algorithms whose C# twin expects statistics and that use equities only.

    Raises :class:`InputError` when ``source`` is no checkout of Lean.
    """
    python_folder, csharp_folder = source / "Algorithm.Python", source / "Algorithm.CSharp"
    if not python_folder.is_dir() or not csharp_folder.is_dir():
        raise InputError(
            f"--lean-source {source}: no Algorithm.Python and Algorithm.CSharp there; "
            "give the root of a checkout of Lean"
        )
    twins = _expected_statistics(csharp_folder)
    by_name: dict[str, LeanAlgorithm] = {}
    for path in sorted(python_folder.glob("*.py")):
        text = path.read_text("utf-8-sig")
        match = next((m.group(1) for m in _PYTHON_CLASS.finditer(text) if m.group(1) in twins), None)
        if match is None or (names and match not in names):
            continue
        if not names and _OTHER.search(text):
            continue
        if match not in by_name or path.stem == match:
            # Several files may hold a class of one name: the file of that name is the twin.
            by_name[match] = LeanAlgorithm(match, path, twins[match])
    found = list(by_name.values())
    missing = set(names) - {a.name for a in found}
    if missing:
        raise InputError(f"--lean-source {source}: no Python algorithm with a C# twin named {sorted(missing)[0]}")
    return found


def _expected_statistics(folder: Path) -> dict[str, dict[str, str]]:
    found = {}
    for path in sorted(folder.rglob("*.cs")):
        text = path.read_text("utf-8-sig")
        if "ExpectedStatistics" not in text or _NOT_LOCALLY.search(text):
            continue
        if _LANGUAGES.search(text) and not _PYTHON_TWIN.search(text):
            # What Lean expects of the C# algorithm is not said of its Python namesake.
            continue
        block, kind = _STATISTICS.search(text), _CLASS.search(text)
        if block is None or kind is None:
            continue
        found[kind.group(1)] = dict(_PAIR.findall(block.group(1) or ""))
    return found


def default_parameters(source: Path) -> dict[str, str]:
    """The parameters of the checkout's ``Launcher/config.json``, which Lean's own tests run with."""
    path = source / "Launcher" / "config.json"
    if not path.is_file():
        return {}
    text = re.sub(r"^[ \t]*//[^\n]*$|\s//[^\"\n]*$", "", path.read_text("utf-8-sig"), flags=re.MULTILINE)
    match = re.search(r'"parameters"\s*:\s*(\{.*?\})', text, re.DOTALL)
    if match is None:
        return {}
    try:
        values = json.loads(re.sub(r",\s*}", "}", match.group(1)))
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in values.items()}


def run_algorithm(
    algorithm: LeanAlgorithm,
    data_folder: Path,
    cache_folder: Path | None,
    parameters: Mapping[str, str],
    keep: Path | None = None,
    engine: Sequence[str] = EMBEDDED,
) -> Outcome:
    """Run one algorithm and compare all expected statistics, the order list hash included."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        results = (keep / algorithm.name) if keep is not None else Path(scratch)
        results.mkdir(parents=True, exist_ok=True)
        done = run_engine(
            algorithm.python_file,
            algorithm.name,
            data_folder,
            results,
            cache_folder,
            parameters=parameters,
            engine=engine,
        )
        if keep is not None:
            (results / "stdout.txt").write_text(done.output, "utf-8")
            (results / "stderr.txt").write_text(done.errors, "utf-8")
        state = _runtime_error(results, algorithm.name)
    if done.refused:
        return Outcome(algorithm.name, Verdict.REFUSED, done.wall_s, (), done.refused)
    differences = _compare(algorithm.expected, _named(done, algorithm.expected))
    # A twin that expects no statistics (the algorithm ends while it is set up) asks only that nothing breaks.
    if not differences and (algorithm.expected or done.exit_code == 0):
        return Outcome(algorithm.name, Verdict.EQUAL, done.wall_s)
    if done.exit_code != 0:
        detail = state or next(iter(reversed(done.errors.strip().splitlines())), f"exit code {done.exit_code}")
        verdict = Verdict.FAILED
        if "is not covered by the embedded engine" in detail:
            verdict = Verdict.REFUSED
        return Outcome(algorithm.name, verdict, done.wall_s, differences, detail)
    return Outcome(algorithm.name, Verdict.DIFFERENT, done.wall_s, differences)


def _runtime_error(results: Path, name: str) -> str:
    try:
        document = json.loads((results / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(document.get("state", {}).get("RuntimeError", "")).partition("\n")[0]


def _named(done: EngineExit, expected: Mapping[str, str]) -> dict[str, str]:
    """The printed statistics by name; a name is known from what is expected, else it ends at the last space."""
    found: dict[str, str] = {}
    names = sorted(expected, key=len, reverse=True)
    for line in done.output.splitlines():
        if not line.startswith("STATISTICS:: "):
            continue
        text = line.removeprefix("STATISTICS:: ")
        name = next((n for n in names if text.startswith(f"{n} ") or text == n), None)
        if name is None:
            name = text.rpartition(" ")[0]
        found[name] = text[len(name) :].strip()
    return found


def _compare(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[Difference]:
    """Differences by Lean's own rule: text for text, but ``-0`` equals ``0``."""
    differences = []
    for name, value in expected.items():
        got = actual.get(name, "absent")
        if got != value and got.replace("-0", "0") != value.replace("-0", "0"):
            differences.append(Difference("statistics", name, value, got))
    return differences
