"""``--deterministic`` starts the command again with a fixed hash seed; the record shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import typer
from harness.fast.commands import aggregate, backtest

app = typer.Typer(rich_markup_mode=None)
app.command()(backtest)
app.command()(aggregate)
app()
"""


def test_hash_seed_and_threads_are_fixed(tmp_path: Path) -> None:
    data = tmp_path / "spy.csv"
    lines = [f"2025-10-01 09:3{number}:00,10,11,9,10,5" for number in range(5)]
    data.write_text("\n".join(["time,open,high,low,close,volume", *lines]), encoding="utf-8")
    program = tmp_path / "harness"
    program.write_text(PROGRAM, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    for asked, seed in ((["--deterministic"], "0"), ([], "random")):
        command = [sys.executable, str(program), "backtest", str(data), "--no-cache", "--json", *asked]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        determinism = json.loads(done.stdout)["determinism"]
        assert determinism["hash_seed"] == seed
        assert determinism["requested"] is bool(asked)
        if asked:
            assert set(determinism["threads"].values()) == {"1"}
