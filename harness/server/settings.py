"""What the service is allowed to do: address, token, limits. Checked once, before it listens."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from harness.config import Settings
from harness.errors import InputError

STATE_FOLDER = ".server"
LEAST_TOKEN_LENGTH = 16
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}\Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one service. Rates are requests a second and client address; a burst is twice the rate."""

    queue_length: int = 32
    workers: int = 1
    body_bytes: int = 256 * 1024
    requests_per_s: float = 200.0
    starts_per_s: float = 5.0
    sync_time_limit_s: float = 30.0
    cache_entries: int = 128
    cache_bytes: int = 128 * 2**20
    watchers: int = 2000
    watch_send_s: float = 20.0
    progress_interval_s: float = 0.25


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One service over the project of ``project``. ``token`` empty: none is asked for (loopback only)."""

    project: Settings
    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not _HOST.match(self.host):
            raise InputError(f"--host {self.host!r}: is not a host name or address")
        if not is_loopback(self.host) and not self.token:
            raise InputError(
                f"--host {self.host}: other machines could start programs here; set HARNESS_TOKEN to a secret of at "
                f"least {LEAST_TOKEN_LENGTH} characters, or stay on 127.0.0.1"
            )
        if self.token and len(self.token) < LEAST_TOKEN_LENGTH:
            raise InputError(f"HARNESS_TOKEN: is shorter than {LEAST_TOKEN_LENGTH} characters; give a longer one")

    @property
    def runs_folder(self) -> Path:
        return self.project.path(self.project.folders.runs)

    @property
    def state_folder(self) -> Path:
        """Where queue and state are kept."""
        return self.runs_folder / STATE_FOLDER

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names by which a browser may call the service; others are refused (DNS rebinding). Empty: any."""
        if is_loopback(self.host):
            return frozenset({"127.0.0.1", "localhost", "::1", self.host})
        return frozenset() if self.host in ("0.0.0.0", "::") else frozenset({self.host})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
