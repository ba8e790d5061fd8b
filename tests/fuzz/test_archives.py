"""Archives that mean harm are refused before they cost memory; names that lead out of a folder write nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.marketdata import lean_format
from harness.marketdata.lean_format import FormatError, read_entry
from tests.fuzz.targets import zip_of


def test_a_zip_bomb_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean_format, "MAX_ENTRY_BYTES", 1 << 20)
    path = tmp_path / "20251001_trade.zip"
    path.write_bytes(zip_of({"a.csv": b"0" * (1 << 20)}))
    assert len(read_entry(path)) == 1 << 20
    path.write_bytes(zip_of({"a.csv": b"0" * ((1 << 20) + 1)}))
    assert path.stat().st_size < 5000
    with pytest.raises(FormatError, match="unpacks to more than 1 MiB"):
        read_entry(path)


def test_a_size_that_lies_in_the_zips_directory_does_not_help_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean_format, "MAX_ENTRY_BYTES", 1000)
    path = tmp_path / "bomb.zip"
    whole = bytearray(zip_of({"a.csv": b"0" * 100_000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = whole.index(signature) + offset
        whole[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(whole))
    with pytest.raises(FormatError):
        read_entry(path)


def test_an_entry_that_leads_out_of_its_folder_writes_nothing(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.zip").write_bytes(zip_of({"../../escaped.csv": b"1,2\n"}))
    assert read_entry(inner / "a.zip") == b"1,2\n"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "inner"]


def test_a_number_of_thousands_of_digits_is_refused_at_once() -> None:
    with pytest.raises(FormatError, match="volume"):
        lean_format.parse_bars(b"20250902 09:30,1,1,1,1," + b"9" * 100_000 + b"\n", "daily")
