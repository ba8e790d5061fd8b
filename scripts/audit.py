"""``make audit``: bandit over the harness, and the locked packages against known vulnerabilities.

The second part asks a vulnerability service over the network. Without one the audit says so and checks what can be
checked offline: every line of the locks pins one version, and what is installed is what is locked.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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


def vulnerabilities(path: Path) -> tuple[int, int, list[str]]:
    """(packages the service answered for, packages it did not know or could not be asked about, what it found)."""
    words = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    done = subprocess.run([*words, "-r", str(path)], capture_output=True, text=True, check=False)
    locked = sum(_PIN.match(line.strip()) is not None for line in path.read_text().splitlines())
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, locked, []
    answered = [one for one in packages if "skip_reason" not in one]
    found = [f"{one['name']} {one['version']}: {hole['id']}" for one in answered for hole in one["vulns"]]
    return len(answered), locked - len(answered), found


def main() -> int:
    good = code()
    for name in LOCKS:
        path = ROOT / "requirements" / name
        problems = lock_problems(path)
        for problem in problems:
            print(f"  {problem}")
        answered, unknown, found = vulnerabilities(path)
        for hole in found:
            print(f"  VULNERABLE: {hole}")
        print(
            f"{name}: {len(problems)} problems in the lock; {len(found)} known vulnerabilities in {answered} packages, "
            f"{unknown} packages not checked (unknown to the service, or no service reachable)"
        )
        good = good and not problems and not found
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
