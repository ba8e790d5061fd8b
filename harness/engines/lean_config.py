"""The configuration of one run of Lean's launcher, written whole, so that nothing is left to a file that lies about.

Keys and handlers are those of Lean's ``Launcher/config.json`` for its ``backtesting`` environment; what only JSON can
say (``object-store-root``, ``python-venv``, ...) is why the command line alone is not enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.engines.base import BacktestRequest
from harness.errors import InputError
from harness.results.store import write_bytes

CONFIG_NAME = "config.json"  # a name that no reader takes for a result
OBJECT_STORE = "object-store"

BACKTESTING: Mapping[str, Any] = {
    "live-mode": False,
    "setup-handler": "QuantConnect.Lean.Engine.Setup.BacktestingSetupHandler",
    "result-handler": "QuantConnect.Lean.Engine.Results.BacktestingResultHandler",
    "data-feed-handler": "QuantConnect.Lean.Engine.DataFeeds.FileSystemDataFeed",
    "real-time-handler": "QuantConnect.Lean.Engine.RealTime.BacktestingRealTimeHandler",
    "history-provider": ["QuantConnect.Lean.Engine.HistoricalData.SubscriptionDataReaderHistoryProvider"],
    "transaction-handler": "QuantConnect.Lean.Engine.TransactionHandlers.BacktestingTransactionHandler",
}
HANDLERS: Mapping[str, Any] = {
    "log-handler": "QuantConnect.Logging.CompositeLogHandler",
    "messaging-handler": "QuantConnect.Messaging.Messaging",
    "job-queue-handler": "QuantConnect.Queues.JobQueue",
    "api-handler": "QuantConnect.Api.Api",
    "map-file-provider": "QuantConnect.Data.Auxiliary.LocalDiskMapFileProvider",
    "factor-file-provider": "QuantConnect.Data.Auxiliary.LocalDiskFactorFileProvider",
    "data-provider": "QuantConnect.Lean.Engine.DataFeeds.DefaultDataProvider",
    "data-channel-provider": "DataChannelProvider",
    "object-store": "QuantConnect.Lean.Engine.Storage.LocalObjectStore",
    "data-aggregator": "QuantConnect.Lean.Engine.DataFeeds.AggregationManager",
}
# What the harness decides for each run: a setting of the user's would make two runs unlike or unreadable.
FIXED = (
    "environment",
    "environments",
    "algorithm-type-name",
    "algorithm-language",
    "algorithm-location",
    "algorithm-id",
    "backtest-name",
    "data-folder",
    "results-destination-folder",
    "object-store-root",
    "close-automatically",
    "parameters",
    "live-mode",
)


def launcher_config(
    request: BacktestRequest, launcher_folder: Path, python_venv: str = "", extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The whole configuration of one backtest. Raises ``InputError`` when ``extra`` holds a key of :data:`FIXED`."""
    more = dict(extra or {})
    refused = sorted(set(more) & set(FIXED))
    if refused:
        raise InputError(f"[engines.launcher.config] {refused[0]}: is set by the harness for each run; remove it")
    config: dict[str, Any] = {
        "environment": "backtesting",
        "environments": {"backtesting": dict(BACKTESTING)},
        "live-mode": False,
        "algorithm-type-name": request.algorithm_class,
        "algorithm-language": "Python",
        "algorithm-location": str(request.algorithm_file),
        "algorithm-id": request.result_id,
        "backtest-name": request.backtest_name or request.result_id,
        "data-folder": str(request.data_folder),
        "results-destination-folder": str(request.results_folder),
        "object-store-root": str(request.run_folder / OBJECT_STORE),
        "composer-dll-directory": str(launcher_folder),
        "close-automatically": True,
        "debugging": False,
        "parameters": dict(request.parameters),
        **HANDLERS,
        # print() would otherwise reach the log through a queue, in an order that differs from run to run
        "forward-console-messages": False,
        "show-missing-data-logs": False,
        "symbol-minute-limit": 10000,
        "symbol-second-limit": 10000,
        "symbol-tick-limit": 10000,
        "maximum-data-points-per-chart-series": 1000000,
        "maximum-chart-series": 30,
        "force-exchange-always-open": False,
        "transaction-log": "",
        "job-user-id": "0",
        "api-access-token": "",
        "job-organization-id": "",
    }
    if python_venv:
        config["python-venv"] = python_venv
    config.update(more)
    return config


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """Writes ``config`` as JSON, whole or not at all."""
    write_bytes(path, (json.dumps(config, indent=2) + "\n").encode())


_STRING_OR_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|/\*.*?\*/|//[^\r\n]*', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)


def read_json_with_comments(path: Path) -> dict[str, Any]:
    """A Lean configuration: JSON that may have comments and trailing commas. Raises ``InputError`` naming the file."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: not found") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    text = _STRING_OR_COMMENT.sub(lambda found: found[1] or " ", text)
    text = _TRAILING_COMMA.sub(lambda found: found[1] or "", text)
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); correct it") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds a {type(document).__name__}, not an object; correct it")
    return document
