"""What every request passes before it reaches a route: host, origin, token, size, rate. Pure ASGI: cheap."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.server.problems import MEDIA_TYPE, ApiError, problem_body
from harness.server.settings import ServerSettings

LOG = logging.getLogger("harness.server.access")
COOKIE = "harness_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MOST_CLIENTS = 4096
# The page itself holds no results; without it nobody could give the token.
OPEN_PATHS = frozenset({"/", "/api/session", "/api/health"})

SECURITY_HEADERS = (
    (b"content-security-policy", b"default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
     b"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)  # fmt: skip


def session_value(token: str) -> str:
    """What the page's cookie holds: shows that the token was known without being the token."""
    return hmac.new(token.encode(), b"harness page session", hashlib.sha256).hexdigest()


class RateLimiter:
    """Token buckets by client and kind; bounded in clients. ``clock`` gives seconds."""

    def __init__(self, clock: Any = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, kind: str, rate_per_s: float) -> float:
        """0 when the request may go on (and is counted), else how long until one may."""
        key, now, burst = (client, kind), self._clock(), max(1.0, 2 * rate_per_s)
        level, seen = self._buckets.pop(key, (burst, now))
        level = min(burst, level + (now - seen) * rate_per_s)
        allowed = level >= 1
        self._buckets[key] = (level - 1 if allowed else level, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) / rate_per_s


class Guard:
    """Around the whole application. Refuses with a problem document, or a closed WebSocket."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self.app, self.settings = app, settings
        self.limiter = RateLimiter()
        self._session = session_value(settings.token) if settings.token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            self._check(scope, headers)
            if scope["type"] == "http":
                await self.app(scope, await self._limited(headers, receive), _with_headers(scope, send))
            else:
                await self.app(scope, receive, send)
        except ApiError as error:
            await _refuse(scope, receive, send, error)

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        split = _split(f"//{host}")
        name = (split.hostname or "") if split is not None else ""
        allowed = self.settings.allowed_hosts
        if allowed and name not in allowed:
            raise ApiError(421, "host", "this service is not known by that name")
        self._check_origin(scope, headers, host)
        client = scope["client"][0] if scope.get("client") else ""
        method, path = scope.get("method", "GET"), scope["path"]
        limits = self.settings.limits
        changes = method not in SAFE_METHODS
        for kind, rate in (("any", limits.requests_per_s), *([("start", limits.starts_per_s)] if changes else [])):
            wait_s = self.limiter.wait_s(client, kind, rate)
            if wait_s:
                raise ApiError(429, "rate", "too many requests; slow down", {"Retry-After": str(int(wait_s) + 1)})
        if self._session and not (path in OPEN_PATHS or path.startswith("/static/")) and not self._knows_token(headers):
            raise ApiError(401, "token", "give the token as Authorization: Bearer", {"WWW-Authenticate": "Bearer"})

    def _check_origin(self, scope: Scope, headers: dict[bytes, bytes], host: str) -> None:
        """A page of another origin may neither change anything nor watch."""
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return
        origin = headers.get(b"origin", b"").decode("latin-1")
        split = _split(origin)
        foreign = bool(origin) and (split is None or split.netloc != host)
        if foreign or headers.get(b"sec-fetch-site", b"same-origin") in (b"cross-site", b"same-site"):
            raise ApiError(403, "origin", "requests from pages of another origin are refused")

    def _knows_token(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.settings.token.encode()):
            return True
        try:
            cookie = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self._session.encode())

    async def _limited(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """The body may not be larger than the limit, whatever its header says. Read before the route runs."""
        limit = self.settings.limits.body_bytes
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit():
            raise ApiError(400, "content-length", "Content-Length is not a number")
        if int(declared) > limit:
            raise _too_large(limit)
        if declared == b"0" and b"transfer-encoding" not in headers:
            return receive
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return receive
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                break
        whole: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        return replay


def _too_large(limit: int) -> ApiError:
    # What is left of the body will not be read, so the connection cannot be used again.
    return ApiError(413, "body", f"the body is larger than {limit} bytes", {"Connection": "close"})


def _split(address: str) -> SplitResult | None:
    """The parts of an address that a stranger wrote; None when it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _with_headers(scope: Scope, send: Send) -> Send:
    started = time.perf_counter()

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            # Path only: a query may hold what should not be kept.
            if LOG.isEnabledFor(logging.INFO):
                took_ms = 1000 * (time.perf_counter() - started)
                LOG.info("%s %s %d %.1f ms", scope["method"], _loggable(scope["path"]), message["status"], took_ms)
        await send(message)

    return with_headers


def _loggable(path: str) -> str:
    return path[:200].encode("unicode_escape").decode()


async def _refuse(scope: Scope, receive: Receive, send: Send, error: ApiError) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error.kind})
        return
    body = problem_body(error.status, error.kind, str(error), error.more)
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    send = _with_headers(scope, send)
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
