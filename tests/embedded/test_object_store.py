from __future__ import annotations

from pathlib import Path

import pytest

from harness.embedded.object_store import ObjectStore


def test_what_is_saved_is_read_back_under_either_spelling(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "store")
    assert store.keys == []
    assert store.save("a/text", "grün")
    assert store.save_json("json", {"x": [1, 2]})
    assert store.save_bytes("raw", b"\x00\xff")
    assert store.read("a/text") == "grün"
    assert store.read_json("json") == {"x": [1, 2]}
    assert store.read_bytes("raw") == b"\x00\xff"
    assert store.keys == ["a/text", "json", "raw"]
    assert "raw" in store
    assert store.ContainsKey("raw")  # type: ignore[attr-defined]


def test_delete_and_clear(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.save("one", "1")
    store.save("two", "2")
    assert store.delete("one")
    assert not store.delete("one")
    store.clear()
    assert store.keys == []


def test_absent_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"^Object with path 'gone' was not found"):
        ObjectStore(tmp_path).read("gone")


@pytest.mark.parametrize("key", ["../out", "a/../../out", "/etc/x", "", "a\\b", ".", "a\0b"])
def test_keys_cannot_leave_the_folder(key: str, tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "store")
    with pytest.raises(ValueError, match="Invalid object store key"):
        store.save(key, "x")
    assert not list(tmp_path.iterdir())
