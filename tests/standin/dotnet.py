#!/usr/bin/env python3
"""A stand-in for ``dotnet QuantConnect.Lean.Launcher.dll`` where there is no .NET.

Reads arguments and configuration as strictly as Lean does (``LeanArgumentParser``, ``Config``, ``JobQueue``), then
runs the embedded engine and leaves what Lean leaves: results, ``log.txt``, data monitor files, exit code. The
parameter ``standin`` (or ``STANDIN`` in the environment) makes it fail in one of the ways in which Lean fails (see
:data:`FAILURES`); ``replay`` makes it leave a recorded results folder instead.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

DLL = "QuantConnect.Lean.Launcher.dll"
# Options of the command line; everything else is known to the configuration file only.
OPTIONS = {
    "config",
    "close-automatically",
    "results-destination-folder",
    "backtest-name",
    "algorithm-id",
    "optimization-id",
    "environment",
    "algorithm-type-name",
    "algorithm-language",
    "algorithm-location",
    "composer-dll-directory",
    "data-folder",
    "log-handler",
    "messaging-handler",
    "job-queue-handler",
    "api-handler",
    "map-file-provider",
    "factor-file-provider",
    "data-provider",
    "alpha-handler",
    "history-provider",
    "symbol-minute-limit",
    "symbol-second-limit",
    "symbol-tick-limit",
    "force-exchange-always-open",
    "transaction-log",
    "job-user-id",
    "api-access-token",
    "job-organization-id",
    "parameters",
    "environments",
}
NEEDED = (
    "environment",
    "algorithm-type-name",
    "algorithm-language",
    "algorithm-location",
    "algorithm-id",
    "data-folder",
    "results-destination-folder",
    "object-store-root",
)
FAILURES = (
    "timers",
    "crash",
    "crash_during",
    "partial",
    "failed_state",
    "endless",
    "scribble",
    "hang",
    "abort",
    "abort_inconsistent",
    "stubborn",
    "ballast",
    "debug",
)
ABORTED = 134
# as recorded with performance_sample_period
TIMERS_LINE = (
    "PerformanceTrackingTool.Summary(): Dps 140429. HistoryDps 0. TotalRuntime: 00:00:02. OnData: 0.2s. "
    "DataSubscription: 0.2s. SliceCreation: 0.3s. Selection: 0s. Schedule: 0s. Consolidators: 0.2s. Securities: 0.3s. "
    "Transactions: 0.1s. SplitsDividendsDelisting: 0.1s. ActiveSecurities: 3"
)
CRASH_TEXT = "Unhandled exception. "


def fail(text: str) -> NoReturn:
    """An unhandled .NET exception: text on standard error, then SIGABRT's exit code."""
    print(CRASH_TEXT + text, file=sys.stderr, flush=True)
    os._exit(ABORTED)


def arguments(words: list[str]) -> dict[str, str]:
    """``--name value`` pairs; an unknown name ends the process, as McMaster's parser does."""
    found: dict[str, str] = {}
    if not words or words[0] != DLL:
        fail(f"Could not execute because the specified command or file was not found: {words[:1]}")
    if not Path(DLL).is_file():
        fail(f"{DLL}: not in the working folder {Path.cwd()}")
    rest = iter(words[1:])
    for word in rest:
        name = word.removeprefix("--")
        if not word.startswith("--") or name not in OPTIONS:
            fail(f"McMaster.Extensions.CommandLineUtils.UnrecognizedCommandParsingException: Unrecognized {word!r}")
        value = next(rest, None)
        if value is None:
            fail(f"McMaster.Extensions.CommandLineUtils.CommandParsingException: Missing value for option {name!r}")
        found[name] = value
    return found


def configuration(options: dict[str, str]) -> dict[str, Any]:
    """The configuration file merged with the command line; whatever Lean would stumble over ends the process."""
    path = Path(options.pop("config", "config.json"))
    if not path.is_file():
        fail(f"Configuration file {path} does not exist")
    try:
        config = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        fail(f"Newtonsoft.Json.JsonReaderException: {error}")
    config.update(options)
    for key in NEEDED:
        if config.get(key) in (None, ""):
            fail(f"Config.Get(): key {key!r} not found in {path}")
    if "environments" in config and config["environment"] not in config["environments"]:
        fail(f"Config.GetEnvironment(): {config['environment']!r} is not in environments")
    if str(config.get("close-automatically")).lower() != "true":
        fail("Engine.Main(): Analysis Complete. Press any key to continue. (close-automatically is not true)")
    parameters = config.get("parameters", {})
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        fail("Newtonsoft.Json.JsonSerializationException: parameters must be an object of strings")
    if config["algorithm-language"] != "Python":
        fail(f"algorithm-language {config['algorithm-language']!r} is not Python")
    location = Path(config["algorithm-location"])
    if not location.is_file():
        fail(
            f"System.IO.FileNotFoundException: JobQueue.TryCreatePythonAlgorithm(): Unable to find py file: {location}"
        )
    if not Path(config["data-folder"]).is_dir():
        fail(f"System.IO.DirectoryNotFoundException: {config['data-folder']}")
    return config


def class_that_lean_runs(location: Path) -> str:
    """The last class by name that is derived from QCAlgorithm, whatever the configuration names."""
    tree = ast.parse(location.read_bytes())
    names = [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("QCAlgorithm") for base in node.bases)
    ]
    return max(names, default="")


class Log:
    """``log.txt``, opened for append, and the console."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = (folder / "log.txt").open("a", encoding="utf-8", buffering=1)

    def line(self, text: str, at: float | None = None) -> None:
        moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
        self.file.write(f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z TRACE:: {text}\n")
        print(f"{moment:%Y%m%d %H:%M:%S}.{moment.microsecond // 1000:03d} TRACE:: {text}", flush=True)

    def raw(self, text: str) -> None:
        self.file.write(text + "\n")
        print(text, flush=True)


def main() -> int:
    config = configuration(arguments(sys.argv[1:]))
    mode = config.get("parameters", {}).get("standin", "") or os.environ.get("STANDIN", "")
    if replay := config.get("parameters", {}).get("replay"):
        shutil.copytree(replay, config["results-destination-folder"], dirs_exist_ok=True)
        return 0
    if mode and mode not in FAILURES:
        fail(f"stand-in: no failure {mode!r}; there are {', '.join(FAILURES)}")
    results = Path(config["results-destination-folder"])
    log = Log(results)
    build = "DEBUG" if mode == "debug" else "RELEASE"
    log.line(f"Engine.Main(): LEAN ALGORITHMIC TRADING ENGINE v2.5.0.0 Mode: {build} (64bit) Host: standin")
    if mode == "crash":
        fail("System.AccessViolationException: stand-in crash before any result")
    if mode == "stubborn":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if mode in ("hang", "stubborn"):
        time.sleep(3600)
    while mode == "endless":
        print("x" * 65536, flush=True)
    while mode == "scribble":  # what an engine does that nobody ended: its results go on changing
        with (results / "scribble.txt").open("a") as file:
            file.write("still here\n")
        time.sleep(0.02)
    ballast = bytearray(os.urandom(1 << 20) * 200) if mode == "ballast" else bytearray()
    log.line("PythonInitializer.Initialize(): start...")
    code = run_embedded(config, log)
    if mode == "abort_inconsistent":
        identifier = config["algorithm-id"]
        (results / f"{identifier}-order-events.json").unlink()
    result = results / f"{config['algorithm-id']}.json"
    if mode in ("crash_during", "partial"):
        result.write_bytes(result.read_bytes()[: result.stat().st_size // 2])
    if mode == "crash_during":
        os._exit(137)  # as the kernel's out of memory killer leaves it
    if mode == "failed_state":
        document = json.loads(result.read_bytes())
        document["state"] |= {"Status": "RuntimeError", "RuntimeError": "deliberate: failed, but exit code 0"}
        result.write_text(json.dumps(document))
        return 0
    log.line("PythonInitializer.Shutdown(): start")
    if mode.startswith("abort"):
        print("Fatal Python error: stand-in abort at shutdown", file=sys.stderr, flush=True)
        os._exit(ABORTED)
    log.line("PythonInitializer.Shutdown(): ended")
    log.line("Program.Main(): Exiting Lean...")
    del ballast
    return code


def run_embedded(config: dict[str, Any], log: Log) -> int:
    """Runs the embedded engine in this process; log lines carry the times of its own phases."""
    from harness.embedded.configuration import Configuration
    from harness.embedded.engine import AlgorithmLoadError, EngineContext

    location, results = Path(config["algorithm-location"]), Path(config["results-destination-folder"])
    identifier = str(config["algorithm-id"])
    name = class_that_lean_runs(location) or str(config["algorithm-type-name"])
    log.line(f"AlgorithmPythonWrapper(): Python version {sys.version}: Importing python module {location.stem}")
    started = time.time()
    engine = EngineContext(
        Configuration(
            data_folder=Path(config["data-folder"]),
            algorithm_location=location,
            algorithm_type_name=name,
            results_folder=results,
            algorithm_id=identifier,
            backtest_name=str(config.get("backtest-name", "local")),
            parameters=config.get("parameters", {}),
            object_store_root=Path(config["object-store-root"]),
        )
    )
    try:
        code = engine.run()
    except AlgorithmLoadError as error:
        fail(str(error))
    phases = engine.phases_s
    at = started + phases.get("import", 0.0)
    log.line("AlgorithmPythonWrapper(): Creating IAlgorithm instance.", at)
    at += phases.get("initialize", 0.0)
    if "algorithm" in phases:
        log.line("AlgorithmManager.Run(): Begin DataStream", at)
        at += phases["algorithm"]
        log.line("Engine.Run(): Exiting Algorithm Manager", at)
        if config.get("parameters", {}).get("standin") == "timers":
            log.line(TIMERS_LINE, at)
        points = engine.data.data_points
        log.line(
            f"Debug: 2025-10-10 16:00:00 Algorithm Id:({identifier}) completed in {phases['algorithm']:.2f} seconds at "
            f"{points / max(phases['algorithm'], 1e-6) / 1000:.0f}k data points per second. Processing total of "
            f"{points:,} data points.",
            at,
        )
    for found, word in ((True, "Succeeded"), (False, "Failed")):
        log.raw(f"DATA USAGE:: {word} data requests {list(engine.requests.values()).count(found)}")
    return code


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    os._exit(exit_code)
