"""The rules of Lean's ``Engine/Storage/LocalObjectStore.cs``."""

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
    assert store.read("raw") == "\0\ufffd", "Encoding.UTF8 puts a replacement where it cannot read"
    assert sorted(store.keys) == ["a/text", "json", "raw"]
    assert "raw" in store
    assert store.ContainsKey("raw")  # type: ignore[attr-defined]
    assert {pair.key: pair.value for pair in store}["raw"] == b"\x00\xff"


def test_values_reach_the_disk_when_flushed(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.save("a/one", "1")
    assert not (tmp_path / "a").exists()
    store.flush()
    assert (tmp_path / "a" / "one").read_text() == "1"


def test_delete(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.save("one", "1")
    assert store.delete("one")
    assert not store.delete("one")
    assert store.keys == []


def test_clear_forgets_what_is_in_memory_and_keeps_the_files(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.save("two", "2")
    store.clear()
    assert store.keys == ["two"]
    assert store.read("two") == "2"


def test_a_path_is_a_key_without_a_value_until_its_file_is_saved(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    path = Path(store.get_file_path("model/weights"))
    assert path.parent.is_dir()
    assert store.contains_key("model/weights")
    assert store.read("model/weights") is None
    with pytest.raises(ValueError, match="There is no file associated with path model/weights in"):
        store.save("model/weights")
    path.write_text("w")
    assert store.save("model/weights")
    assert store.read("model/weights") == "w"


def test_absent_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"^Object with path 'gone' was not found"):
        ObjectStore(tmp_path).read("gone")


@pytest.mark.parametrize("key", ["../out", "a/../../out", "", ".", "a\0b", "a.b.c", "a.b/c", "gr\u00fcn", "x/" * 101])
def test_keys_that_are_refused(key: str, tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "store")
    with pytest.raises(ValueError, match="LocalObjectStore: path is not supported: '"):
        store.save(key, "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("key", "name"), [("/etc/x", "etc/x"), ("a\\b", "a/b"), (".hidden", "hidden"), ("a b", "a b")])
def test_keys_are_normalized(key: str, name: str, tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    assert store.save(key, "x")
    store.flush()
    assert store.keys == [name]
    assert (tmp_path / name).is_file()


def test_the_limits(tmp_path: Path) -> None:
    said: list[str] = []
    store = ObjectStore(tmp_path, maximum_bytes=4, maximum_files=2, on_error=said.append)
    assert store.save("a", "12")
    assert store.save("b", "12")
    assert not store.save("c", "")
    assert store.save("a", "34"), "a value that takes the place of another is counted once"
    assert not store.save("a", "345")
    assert said[0].startswith("You have reached the ObjectStore limit for files it can save: 3/2. Unable to save")
    assert said[1].startswith(
        "You have reached the ObjectStore storage capacity limit: 4.76837158203125E-06MB/3.814697265625E-06MB. "
    )
