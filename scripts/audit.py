"""``make audit``: bandit over the harness, and the locked packages against known vulnerabilities.

The second part asks two vulnerability services over the network, PyPI's and OSV. There is no offline copy of what
they know. A package that neither answered for is NOT CHECKED, which is not the same as clean: the audit then ends
with exit code 3, also when everything that could be checked offline is right (every line of the locks pins one
version, and what is installed is what is locked). ``--allow-unchecked`` makes that exit code 0, for machines without
a network; the count stays in the last line.

Exit codes: 0 everything checked and right, 1 something found, 3 nothing found but not everything checked.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("base.lock", "dev.lock")
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;#]+)(\s*;.*)?\Z")
# (file, bandit's test): why it is no hole. Anything else of middle or high severity fails the audit.
ACCEPTED = {
    ("harness/embedded/results/chart_sampling.py", "B608"): "no SQL: a warning with the word 'update' in it",
    ("harness/server/jobs.py", "B608"): "column names are the code's own; every value is bound",
    ("harness/server/settings.py", "B104"): "the address is compared with, not bound to",
    ("harness/sweep/worker.py", "B301"): "made by the parent process in memory, sent over its own pipe",
    ("harness/sweep/optimization_data.py", "B301"): "made by the parent process in the sweep's own private folder",
}


def code() -> bool:
    """Bandit, middle and high severity, without what is accepted above."""
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-r", "harness", "-ll", "-f", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    open_findings = 0
    for one in report["results"]:
        if (one["filename"], one["test_id"]) not in ACCEPTED:
            open_findings += 1
            print(f"  {one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}")
    for error in report["errors"]:
        print(f"  {error['filename']}: {error['reason']}")
    accepted = len(report["results"]) - open_findings
    print(f"bandit: {open_findings} findings of middle or high severity, {accepted} more accepted with a reason")
    return not open_findings and not report["errors"]


def lock_problems(path: Path) -> list[str]:
    """Lines that do not pin one version, and packages that are installed in another."""
    problems = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        pin = _PIN.match(line.strip())
        if pin is None:
            problems.append(f"{path.name}, line {number}: {line.strip()!r} does not pin one version")
            continue
        try:
            installed = version(pin[1])
        except PackageNotFoundError:
            continue
        if installed != pin[2]:
            problems.append(f"{path.name}, line {number}: {pin[1]} {pin[2]} is locked, {installed} is installed")
    return problems


SERVICES = ("pypi", "osv")
SERVICE_TIMEOUT_S = 60


def vulnerabilities(path: Path) -> tuple[list[str], list[str]]:
    """(what the services found, the packages that none of them answered for)."""
    pins = [pin for line in path.read_text().splitlines() if (pin := _PIN.match(line.strip()))]
    unchecked = {_plain(pin[1]): f"{pin[1]} {pin[2]}" for pin in pins}
    found: set[str] = set()
    for service in SERVICES:
        for one in ask(service, path):
            if "skip_reason" in one:
                continue
            unchecked.pop(_plain(one["name"]), None)
            found |= {f"{one['name']} {one['version']}: {hole['id']} (says {service})" for hole in one["vulns"]}
    return sorted(found), sorted(unchecked.values())


def ask(service: str, path: Path) -> list[dict[str, Any]]:
    """A service's answer for each locked package; empty when it cannot be reached."""
    words = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    words += ["-s", service, "--timeout", "10", "-r", str(path)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SERVICE_TIMEOUT_S, check=False)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return []


def _plain(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    parser = argparse.ArgumentParser(description="Known mistakes in the code, known holes in the locked packages.")
    parser.add_argument("--allow-unchecked", action="store_true", help="exit 0 though no service could be asked")
    given = parser.parse_args()
    good, not_checked = code(), 0
    for name in LOCKS:
        path = ROOT / "requirements" / name
        problems = lock_problems(path)
        for problem in problems:
            print(f"  {problem}")
        found, unchecked = vulnerabilities(path)
        for hole in found:
            print(f"  VULNERABLE: {hole}")
        locked = sum(_PIN.match(line.strip()) is not None for line in path.read_text().splitlines())
        print(
            f"{name}: {len(problems)} problems in the lock; {len(found)} known vulnerabilities in the "
            f"{locked - len(unchecked)} of {locked} packages that a service answered for"
        )
        not_checked += len(unchecked)
        good = good and not problems and not found
    if not_checked:
        print(
            f"audit: {not_checked} locked packages were NOT CHECKED for known vulnerabilities, no service answered for "
            "them: this is no statement about them. Run it again where pypi.org or osv.dev can be reached."
        )
    elif good:
        print("audit: clean")
    if not good:
        return 1
    return 3 if not_checked and not given.allow_unchecked else 0


if __name__ == "__main__":
    sys.exit(main())
