"""The audit never calls clean what nobody looked at."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "audit.py"
LOCK = "One_Package==1.0\ntwo==2.0 ; python_version > '3'\n"


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script over a project of one lock, without bandit."""
    spec = importlib.util.spec_from_file_location("audit_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.lock").write_text(LOCK)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "LOCKS", ("base.lock",))
    monkeypatch.setattr(module, "code", lambda: True)
    monkeypatch.setattr(sys, "argv", ["audit.py"])
    return module


def answer(name: str, *holes: str) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": [{"id": hole} for hole in holes]}


@pytest.mark.parametrize(
    ("pypi", "osv", "code", "last"),
    [
        ([], [], 3, "audit: 2 locked packages were NOT CHECKED"),
        (
            [{"name": "two", "skip_reason": "unknown"}],
            [answer("one-package")],
            3,
            "audit: 1 locked packages were NOT CHECKED",
        ),
        ([answer("one.package")], [answer("two")], 0, "audit: clean"),
        ([answer("one-package", "CVE-1"), answer("two")], [], 1, "base.lock: 0 problems in the lock; 1 known"),
        ([answer("one-package", "CVE-1")], [], 1, "audit: 1 locked packages were NOT CHECKED"),
    ],
)
def test_only_what_was_checked_is_called_clean(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pypi: list[Any],
    osv: list[Any],
    code: int,
    last: str,
) -> None:
    monkeypatch.setattr(audit, "ask", lambda service, path: {"pypi": pypi, "osv": osv}[service])
    assert audit.main() == code
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].startswith(last)
    assert ("clean" in printed) == (code == 0)
    monkeypatch.setattr(sys, "argv", ["audit.py", "--allow-unchecked"])
    assert audit.main() == (0 if code == 3 else code)
    assert ("NOT CHECKED" in capsys.readouterr().out) == ("NOT CHECKED" in printed)


def test_a_service_that_cannot_be_reached_answers_nothing(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.sys, "executable", "/bin/false")
    assert audit.ask("pypi", audit.ROOT / "requirements" / "base.lock") == []
