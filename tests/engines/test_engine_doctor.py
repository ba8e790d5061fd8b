"""The doctor's rows: what is there, what is not, and the command that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import Settings
from harness.engines.doctor import DoctorRow, rows


def by_name(settings: Settings) -> dict[str, DoctorRow]:
    return {row.name: row for row in rows(settings)}


def test_a_bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for name in ("LEAN_LAUNCHER_DIR", "LEAN_COMMAND", "LEAN_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    found = by_name(Settings(root=tmp_path))
    assert found["engine embedded"].ok
    for name in ("engine launcher", "engine lean", "docker"):
        assert not found[name].ok
        assert found[name].remedy, f"{name} without a remedy"
        assert not found[name].detail.startswith(f"{name}:")
    assert "make lean" in found["engine lean"].remedy
    assert "DOCKER_HOST" in found["docker"].remedy


def test_a_build_of_lean_is_found(launcher_folder: Path, tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, engines={"launcher": {"folder": str(launcher_folder)}})
    row = by_name(settings)["engine launcher"]
    assert row.ok, row
    assert "2.5.0.0 release" in row.detail


def test_a_wrong_option_is_a_row_not_a_crash(tmp_path: Path) -> None:
    row = by_name(Settings(root=tmp_path, engines={"launcher": {"colour": "red"}}))["engine launcher"]
    assert not row.ok
    assert "colour" in row.detail
