"""``harness serve``."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from harness.config import find_settings, load_settings
from harness.errors import InputError
from harness.server.settings import Limits, ServerSettings

TOKEN_VARIABLE = "HARNESS_TOKEN"
WS_MESSAGE_BYTES = 4096


def serve(
    config: Path | None,
    *,
    host: str,
    port: int,
    workers: int,
    rate_per_s: float,
    starts_per_s: float,
    open_browser: bool,
    quiet: bool,
) -> None:
    """Serves until Ctrl-C. Raises ``InputError`` for an address that would be unsafe or a package that is missing."""
    try:
        import uvicorn

        from harness.server.app import create_app
    except ModuleNotFoundError as error:
        raise InputError(
            f"serve: needs {error.name}; install it with pip install 'lean-backtest-harness[server]'"
        ) from error
    path = (config or find_settings(Path.cwd())).resolve()
    limits = Limits(workers=workers, requests_per_s=rate_per_s, starts_per_s=starts_per_s)
    settings = ServerSettings(load_settings(path), host, port, os.environ.get(TOKEN_VARIABLE, ""), limits)
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s"
    )
    shown = f"[{host}]" if ":" in host else host
    if port:
        print(f"http://{shown}:{port}/", flush=True)
    if open_browser and port:
        _open_when_ready(f"http://{shown}:{port}/")
    uvicorn.run(
        create_app(settings, path),
        host=host,
        port=port,
        access_log=False,  # its lines hold queries; the guard writes its own
        log_level="warning" if quiet or port else "info",
        server_header=False,
        ws_max_size=WS_MESSAGE_BYTES,
        ws_ping_interval=20,
        ws_per_message_deflate=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )


def _open_when_ready(address: str) -> None:
    import threading
    import webbrowser

    threading.Timer(1.0, webbrowser.open, (address,)).start()
