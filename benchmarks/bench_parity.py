"""How long a diff of a million order events takes, and its peak memory, in a process of its own.

    .venv/bin/python benchmarks/bench_parity.py [--events 1000000] [--json]

Makes Lean-like results in a temporary folder, diffs them as ``harness diff`` does and removes them. Targets: files
that differ somewhere under 5 s and 1.5 GB, identical ones under 1 s (process start excluded, file cache warm).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[int, str], str]

CASES: dict[str, tuple[str, Edit, tuple[float, float]]] = {
    "identical": ("Big", lambda n, text: text, (1.0, 1.5e9)),
    "identical but for the algorithm id": ("1234567890", lambda n, text: text, (5.0, 1.5e9)),
    "one price in the middle": ("Big", lambda n, text: _worse(text) if n == 500_001 else text, (5.0, 1.5e9)),
    "every 1000th event": ("Big", lambda n, text: _worse(text) if n % 1000 == 1 else text, (5.0, 1.5e9)),
    "written 100 for 100.0 everywhere": ("Big", lambda n, text: text.replace("100.0", "100"), (5.0, 1.5e9)),
    "every event": ("Big", lambda n, text: text.replace('"quantity":100.0', '"quantity":101.0'), (5.0, 1.5e9)),
}


def _worse(text: str) -> str:
    return text.replace('"quantity":100.0', '"quantity":99.0')


def write_results(folder: Path, events: int, algorithm_id: str, edit: Edit) -> None:
    """A Lean results folder with ``events`` order events of half a thousand bytes and a small result document."""
    folder.mkdir(parents=True)
    source = random.Random(7)
    with (folder / f"{algorithm_id}-order-events.json").open("w") as out:
        for number in range(events):
            order, step = number // 2 + 1, number % 2 + 1
            fields = (
                f'{{"id":"{algorithm_id}-{order}-{step}","algorithmId":"{algorithm_id}","orderId":{order},'
                f'"orderEventId":{step},"symbol":"ALFA UJ0T0SKEFN1H","symbolValue":"ALFA","symbolPermtick":"ALFA",'
                f'"time":{1759757460 + number // 10}.0,'
            )
            price = round(300 + source.random() * 50, 2)
            if step == 1:
                rest = '"status":"submitted","fillPrice":0.0,"fillPriceCurrency":"USD","fillQuantity":0.0,'
            else:
                rest = (
                    f'"status":"filled","orderFeeAmount":1.0,"orderFeeCurrency":"USD","fillPrice":{price},'
                    '"fillPriceCurrency":"USD","fillQuantity":100.0,"message":"Warning: No quote information available '
                    'at 10/06/2025 09:31:00 America/New_York, order filled using TradeBar data",'
                )
            text = fields + rest + '"direction":"buy","isAssignment":false,"quantity":100.0}'
            out.write(("," if number else "[") + edit(number, text))
        out.write("]")
    document = {
        "orders": {},
        "statistics": {"Total Orders": str(events // 2)},
        "state": {"OrderCount": str(events // 2)},
    }
    (folder / f"{algorithm_id}.json").write_text(json.dumps(document, indent=2))


def measure(left: str, right: str) -> dict[str, object]:
    """One diff, in this process: seconds, peak resident memory in bytes, the report's summary."""
    from harness.parity.diff import diff_results
    from harness.results.lean_results import LeanResults

    start, cpu_start = time.perf_counter(), time.process_time()
    report = diff_results(LeanResults(left), LeanResults(right))
    wall_s = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    cpu_s = time.process_time() - cpu_start
    return {"wall_s": wall_s, "cpu_s": cpu_s, "peak_rss_bytes": peak, "summary": report.summary_line}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        left = Path(temporary) / "left"
        write_results(left, options.events, "Big", lambda number, text: text)
        for number, (name, (algorithm_id, edit, (seconds, peak))) in enumerate(CASES.items()):
            right = Path(temporary) / f"right{number}"
            write_results(right, options.events, algorithm_id, edit)
            command = [sys.executable, __file__, "--measure", str(left), str(right)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = {"case": name, **json.loads(done.stdout), "limit_s": seconds, "limit_bytes": peak}
            row["met"] = row["wall_s"] < seconds and row["peak_rss_bytes"] < peak
            rows.append(row)
            for path in right.iterdir():
                path.unlink()
    if options.json:
        print(json.dumps({"events": options.events, "rows": rows}, indent=2))
    else:
        print(f"{options.events:,} order events a side")
        for row in rows:
            print(
                f"{row['case']:38s} {row['wall_s']:6.2f} s (limit {row['limit_s']:.0f}, cpu {row['cpu_s']:.2f})  "
                f"{row['peak_rss_bytes'] / 1e6:6.0f} MB (limit {row['limit_bytes'] / 1e6:.0f})  "
                f"{'met' if row['met'] else 'MISSED'}  {row['summary'][:60]}"
            )
    return 0 if all(row["met"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
