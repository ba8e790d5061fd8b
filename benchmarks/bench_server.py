"""Measures the service from a second process: stored results, watchers, memory. Prints a Markdown table.

    python benchmarks/bench_server.py [--quick]

Made-up runs of the given size; the service is a process of its own, requests go over loopback by a plain socket client
that does not decompress, and its resident memory is read from ``/proc`` (so Linux only).
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.large_run import write_large_run  # noqa: E402

EQUITY_POINTS, TRADES = 100_000, 10_000
SETTINGS = (
    '[scenarios.default]\ndata = { folder = "data", synthetic = false }\n[variants.baseline]\n[variants.optimized]\n'
)
SLOW = """\
import time as clock
from AlgorithmImports import *
class Slow(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1)
        self.set_end_date(2025, 10, 3)
        self.add_equity("AAPL", Resolution.HOUR)
    def on_data(self, data):
        clock.sleep(0.5)
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a tenth of everything")
    arguments.add_argument("--sample", nargs=2, metavar=("PORT", "RUN"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.sample:
        _sample(int(chosen.sample[0]), chosen.sample[1])
        return
    share = 10 if chosen.quick else 1
    folder = Path(tempfile.mkdtemp(prefix="harness-bench-server-"))
    try:
        _measure(folder, share)
    finally:
        shutil.rmtree(folder)


def _measure(folder: Path, share: int) -> None:
    from harness.marketdata.spec import synth_spec
    from harness.marketdata.synth import synthesize

    (folder / "harness.toml").write_text(SETTINGS)
    (folder / "slow.py").write_text(SLOW)
    synthesize(folder / "data", synth_spec(quick=True))
    runs = folder / "runs"
    print(
        f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    large = write_large_run(runs / "large", TRADES // share, EQUITY_POINTS // share)
    template = write_large_run(runs / "run0", 200, 2_000)
    for number in range(1, 1000 // share):
        shutil.copytree(template, runs / f"run{number}" / "trial_1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "serve", "--port", str(port), "--rate", "1000000",
         "--start-rate", "1000000", "--quiet"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        rows = [*_full_results(port, large, share), *_memory(port, service.pid, 1000 // share)]
        rows += asyncio.run(_watchers(port, 500 // share, service.pid))
        rows += _markers(port, runs / "markers")
    finally:
        service.terminate()
        service.wait(40)
    print("\n| | measured | bound |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def _full_results(port: int, trial: Path, share: int) -> list[tuple[str, str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    path = "/api/lab/run/large/full_results"
    names = ("full_results.json.gz", "full_results.json.gz.head")

    def rebuilt() -> None:
        for name in names:
            (trial / name).unlink(missing_ok=True)

    def not_in_memory() -> None:
        # Another inode and time of a Lean file's neighbour would do nothing: the identity is Lean's own files.
        log = trial / "lean" / "Large-log.txt"
        head = trial / names[1]
        told = json.loads(head.read_bytes())
        os.utime(log)
        for entry in told["sources"]:
            if entry[0] == log.name:
                entry[2] = log.stat().st_mtime_ns
        head.write_text(json.dumps(told))

    from_lean = []
    for _ in range(5):
        rebuilt()
        os.utime(trial / "lean" / "Large-log.txt")
        from_lean.append(_get(connection, path)[0])
    from_disk = []
    for _ in range(40):
        not_in_memory()
        from_disk.append(_get(connection, path)[0])
    for _ in range(20):
        _get(connection, path)
    cached = [_get(connection, path) for _ in range(1500 // share)]
    size = cached[-1][1]
    etag = _get(connection, path)[2]
    unchanged = [_get(connection, path, {"If-None-Match": etag})[0] for _ in range(500)]
    times = [one[0] for one in cached]
    points, trades = EQUITY_POINTS // share, TRADES // share
    return [
        (f"`full_results` of {points:,} equity points and {trades:,} trades, compressed", f"{size / 1e6:.2f} MB", ""),
        ("from memory, p50 / p99", f"{_ms(times, 50)} / {_ms(times, 99)}", "2 ms (p50)"),
        ("unchanged (304), p50 / p99", f"{_ms(unchanged, 50)} / {_ms(unchanged, 99)}", ""),
        ("stored bytes from disk, p50 / p99", f"{_ms(from_disk, 50)} / {_ms(from_disk, 99)}", "30 ms"),
        ("made anew from Lean's files, median", _ms(from_lean, 50), ""),
        ("memory against Lean's files", f"{_at(from_lean, 50) / _at(times, 50):.0f} times faster", "25 times"),
    ]


def _memory(port: int, pid: int, runs: int) -> list[tuple[str, str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    marks = []
    for _ in range(2):
        for number in range(runs):
            _get(connection, f"/api/lab/run/run{number}/full_results")
        marks.append(_rss_mb(pid))
    connection.request("GET", "/api/cache")
    told = json.loads(connection.getresponse().read())["full_results"]
    kept = f"{told['entries']} entries, {told['size_bytes'] / 1e6:.0f} MB kept"
    return [(f"resident after {runs:,} different runs, and after all of them again",
             f"{marks[0]:.0f} MB, {marks[1]:.0f} MB ({kept})", "bounded")]  # fmt: skip


async def _watchers(port: int, count: int, pid: int) -> list[tuple[str, str, str]]:
    from websockets.asyncio.client import connect

    body = {"scenario": "default", "algorithm": "slow.py", "trials": [{} for _ in range(4)]}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/api/lab/run/backtest", json.dumps(body), {"Content-Type": "application/json"})
    run_id = json.loads(connection.getresponse().read())["run_id"]
    address = f"ws://127.0.0.1:{port}/ws/run/{run_id}"

    async def watch(number: int) -> tuple[list[int], list[int], str]:
        sequences, milestones, last = [], [], ""
        async with connect(address, open_timeout=60, ping_interval=None) as socket:
            async for text in socket:
                message = json.loads(text)
                sequences.append(message["sequence"])
                if "milestone" in message:
                    milestones.append(message["milestone"])
                last = message["type"]
                if number % 50 == 49:
                    await asyncio.sleep(0.5)  # one in fifty is slow
        return sequences, milestones, last

    tasks = [asyncio.create_task(watch(number)) for number in range(count)]
    while await asyncio.to_thread(_watching, port) < count and not any(task.done() for task in tasks):
        await asyncio.sleep(0.2)
    # A process of its own: this one is busy being the watchers.
    sampler = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--sample", str(port), run_id, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await sampler.communicate()
    times: list[float] = json.loads(told)
    await asyncio.gather(*tasks)
    seen = [task.result() for task in tasks]
    most = max(len(milestones) for _, milestones, _ in seen)
    whole = sum(
        milestones == list(range(1, most + 1)) and sequences == sorted(set(sequences)) and last == "completed"
        for sequences, milestones, last in seen
    )
    return [
        (f"{count} watchers of one run, {count // 50} of them slow: saw all {most} milestones in order and the end",
         f"{whole} of {count}", "all"),
        ("status requests meanwhile (a backtest runs too), p50 / p99",
         f"{_ms(times, 50)} / {_ms(times, 99)}", "50 ms (p99)"),
        ("resident at the end", f"{_rss_mb(pid):.0f} MB", ""),
    ]  # fmt: skip


def _markers(port: int, folder: Path) -> list[tuple[str, str, str]]:
    """How long a chart with every fill in view takes to paint while it is moved."""
    program, driver_program = shutil.which("chromium"), shutil.which("chromedriver")
    what = "17,000 fill markers in headless Chromium, drawn in software: a frame while panning, p50 / p99"
    if program is None or driver_program is None:
        return [(what, "not measured: Chromium and its driver are not installed", "")]
    from selenium import webdriver

    write_large_run(folder, 8_500, 20_000)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_program))
    try:
        driver.set_script_timeout(60)
        driver.get(f"http://127.0.0.1:{port}/#/run/{folder.name}")
        deadline = time.monotonic() + 60
        while not driver.execute_script("return window.harness.charts.candles?.layers.length >= 1"):
            assert time.monotonic() < deadline, "the chart does not appear"
            time.sleep(0.1)
        found = driver.execute_async_script(
            "const done = arguments[0];window.harness.measurePan(window.harness.charts.candles, 120).then(done)"
        )
    finally:
        driver.quit()
    paints = [paint / 1000 for paint in found["paints"]]
    return [(what, f"{_ms(paints, 50)} / {_ms(paints, 99)}", "16.7 ms (60 Hz)")]


def _sample(port: int, run_id: str) -> None:
    """Prints the times of status requests until the run is over."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    while True:
        start = time.perf_counter()
        connection.request("GET", f"/api/lab/run/{run_id}/status")
        body = connection.getresponse().read()
        times.append(time.perf_counter() - start)
        if json.loads(body)["state"] not in ("queued", "running"):
            print(json.dumps(times))
            return
        time.sleep(0.02)


def _watching(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/api/cache")
    watchers: int = json.loads(connection.getresponse().read())["watchers"]
    connection.close()
    return watchers


def _get(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None
) -> tuple[float, int, str]:
    """Seconds, bytes and ETag of one request."""
    start = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip", **(headers or {})})
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - start
    assert response.status in (200, 304), (path, response.status, body[:300])
    return seconds, len(body), response.headers.get("etag", "")


def _at(times: list[float], percent: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _ms(times: list[float], percent: float) -> str:
    return f"{1000 * _at(times, percent):.2f} ms"


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the service does not answer")


if __name__ == "__main__":
    main()
