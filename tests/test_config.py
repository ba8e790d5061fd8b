"""``harness.toml``: every mistake is one line with file, key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import find_settings, load_settings
from harness.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


def loaded(folder: Path, text: str) -> str:
    """The message of the error that this text causes."""
    path = folder / "harness.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_settings(path)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_the_projects_own_settings_are_valid() -> None:
    settings = load_settings(ROOT / "harness.toml")
    assert settings.targets.time_ratio == 0.75
    assert settings.targets.memory_ratio == pytest.approx(1.10)
    assert {"default", "quick"} <= set(settings.scenarios)
    assert settings.variants["baseline"].parameters == {"metrics": "recompute"}
    assert settings.variants["optimized"].parameters == {"metrics": "incremental"}
    assert settings.data_folder("quick") == ROOT / "data" / "quick"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[bench]\npairs = 0", "bench.pairs = 0: input should be greater than or equal to 1"),
        ("[bench]\npairs = 'x'", "bench.pairs = 'x'"),
        ("[bench]\npears = 3", "bench.pears: unknown setting; allowed here: baseline, candidate, pairs"),
        ("[variants.a]\nparams = {}", "variants.a.params: unknown setting; allowed here: parameters, file, class"),
        ("[scenarios.a.data]\nfoo = 1", "scenarios.a.data.foo: unknown setting; allowed here: folder, synthetic"),
        ("[targets]\njudged_phase = 'x'", "'total' or 'algorithm'"),
        ("[targets]\ntime_reduction_percent = 100", "targets.time_reduction_percent = 100"),
        ("[bench]\nbaseline = 'q'\n[variants.a]", "bench.baseline is 'q', but [variants] has only a"),
        ("[bench", "not valid TOML"),
        ("root = '/'", "root: is not a setting"),
        ("rooot = '/'", "rooot: unknown setting; allowed here: algorithm, folders"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in loaded(tmp_path, text)


def test_parameters_become_the_strings_that_lean_takes(tmp_path: Path) -> None:
    path = tmp_path / "harness.toml"
    path.write_text("[scenarios.a]\nparameters = { n = 3, x = 0.5, on = true, symbols = ['A', 'B'], s = 'text' }")
    assert load_settings(path).scenario("a").parameters == {
        "n": "3",
        "x": "0.5",
        "on": "true",
        "symbols": "A B",
        "s": "text",
    }


def test_unknown_names_list_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "harness.toml"
    path.write_text("[scenarios.a]\n[scenarios.b]")
    settings = load_settings(path)
    with pytest.raises(InputError, match="it has a, b"):
        settings.scenario("c")
    with pytest.raises(InputError, match="it has none"):
        settings.variant("c")


def test_settings_are_found_from_below_and_paths_are_seen_from_them(tmp_path: Path) -> None:
    path = tmp_path / "harness.toml"
    path.write_text("")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_settings(inner) == path
    assert load_settings(path).path(Path("runs")) == tmp_path / "runs"
    with pytest.raises(InputError, match="not found; run harness in the project's folder"):
        load_settings(tmp_path / "none.toml")
