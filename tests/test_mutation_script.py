"""The list of surviving mutants excuses exactly the changes it names, and nothing in the score."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "mutation.py"
DIFF = """\
--- harness/results/lock.py
+++ harness/results/lock.py
@@ -1,4 +1,4 @@
 def _try(self) -> int:
-        self.folder.mkdir(
-            parents=True)
+        self.folder.mkdir(
+            parents=None)
         return -1
"""
LIST = """
[[store]]
module = "harness.results.lock"
function = "FolderLock._try"
reason = "Nobody can tell."
changes = [["a = 1", "a = 2"], ["b", ""]]

[[reader]]
module = "harness.results.paths"
function = "show"
reason = "Another."
changes = [["a = 1", "a = 2"]]
"""


@pytest.fixture
def mutation() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("mutation_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize(
    ("name", "module", "function"),
    [
        ("harness.results.store.x_write_bytes__mutmut_17", "harness.results.store", "write_bytes"),
        ("harness.results.store.x__scan__mutmut_1", "harness.results.store", "_scan"),
        ("harness.results.lock.xǁFolderLockǁ__enter____mutmut_3", "harness.results.lock", "FolderLock.__enter__"),
    ],
)
def test_a_change_is_named_by_its_function_and_its_lines(
    mutation: ModuleType, name: str, module: str, function: str
) -> None:
    assert mutation.change_of(name, DIFF) == mutation.Change(
        module, function, "self.folder.mkdir( parents=True)", "self.folder.mkdir( parents=None)"
    )


def test_survivors_are_told_with_their_reason_or_as_not_listed(mutation: ModuleType) -> None:
    reasons = mutation.read_list(LIST, ["store", "reader"])["store"]
    known = mutation.Change("harness.results.lock", "FolderLock._try", "a = 1", "a = 2")
    other = mutation.Change("harness.results.lock", "FolderLock._try", "a = 1", "a = 3")
    survivors = (mutation.Survivor("m_1", "survived", known), mutation.Survivor("m_2", "no tests", other))
    part = mutation.Score(killed=6, timeouts=0, survivors=survivors, undecided=1)
    told = [
        '  survived: m_1 (survived): harness.results.lock FolderLock._try ["a = 1", "a = 2"]',
        "    listed: Nobody can tell.",
        '  survived: m_2 (no tests): harness.results.lock FolderLock._try ["a = 1", "a = 3"]',
        "    NOT LISTED",
    ]
    assert mutation.survivor_lines(part, reasons) == told
    assert part.percent == 75.0  # listed or not, it has survived
    whole = mutation.Score(killed=6, timeouts=0, survivors=survivors, undecided=0)
    stale = '  STALE, no such survivor: harness.results.lock FolderLock._try ["b", ""]'
    assert mutation.survivor_lines(whole, reasons) == [*told, stale]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[storr]]\n", "no group 'storr'"),
        (LIST.replace('reason = "Another."', 'reason = ""'), "an entry of reader is not module, function, reason"),
        (LIST.replace("function", "funktion", 1), "an entry of store is not"),
        (LIST + 'extra = "x"\n', "an entry of reader is not"),
        (LIST.replace('["b", ""]', '["b"]'), r"a change of store is not \[removed, added\]"),
        (LIST.replace('["b", ""]', '["a = 1", "a = 2"]'), "listed twice"),
    ],
)
def test_a_list_that_could_be_misread_is_refused(mutation: ModuleType, text: str, words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        mutation.read_list(text, ["store", "reader"])


def test_the_list_of_the_project_can_be_read(mutation: ModuleType) -> None:
    listed = mutation.read_list(mutation.LIST.read_text(encoding="utf-8"), mutation.GROUPS)
    for group, reasons in listed.items():
        modules = {name.removesuffix(".py").replace("/", ".") for name in mutation.GROUPS[group].modules}
        assert {change.module for change in reasons} <= modules
