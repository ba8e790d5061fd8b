"""The application: routes, page, errors, and what starts and ends with it."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from harness import __version__
from harness.errors import HarnessError
from harness.results.lock import FolderLock
from harness.server import routes_bench, routes_results, routes_runs
from harness.server.cache import ByteCache
from harness.server.guard import COOKIE, Guard, session_value
from harness.server.problems import ApiError, as_api_error, problem_response
from harness.server.requests import TokenBody
from harness.server.service import Service, json_response, require_json, service_of
from harness.server.settings import ServerSettings

STATIC = Path(__file__).with_name("static")
ALLOWED_METHODS = {405: "method", 404: "not-found"}

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:harness:problem:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_PROBLEM_CONTENT = {"application/problem+json": {"schema": PROBLEM}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"description": text, "content": _PROBLEM_CONTENT}
    for code, text in {
        400: "Not HTTP, or not JSON",
        401: "The token is missing or wrong",
        403: "A page of another origin",
        404: "No such thing",
        409: "Not in this state",
        413: "The body is too large",
        415: "Not application/json",
        421: "Not known by that name",
        422: "A value is missing or out of range",
        429: "Too many requests",
        500: "A stored file is damaged, or a bug",
        503: "The queue is full",
        504: "Passed the time limit",
    }.items()
}


def create_app(settings: ServerSettings, settings_file: Path | None = None) -> FastAPI:
    """The application over one project; ``settings_file`` is its ``harness.toml``.

    While it runs it holds the lock of ``runs/.server``: raises ``BusyError`` at start when another service does.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings.state_folder.mkdir(parents=True, exist_ok=True)
        with FolderLock(settings.state_folder, "a service"):
            service = Service(settings, settings_file)
            app.state.service = service
            service.queue.start()
            try:
                yield
            finally:
                await service.queue.close()
                service.store.close()

    app = FastAPI(
        title="Backtest harness",
        version=__version__,
        description="Run backtests and benchmark sessions, watch them, read their results. Errors are problem "
        "documents (RFC 9457). Times are UTC.",
        lifespan=lifespan,
        responses=REFUSALS,
        docs_url=None,  # those pages load scripts from elsewhere; the schema is at /openapi.json
        redoc_url=None,
    )
    app.add_exception_handler(HarnessError, _on_harness_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)
    app.add_middleware(Guard, settings=settings)
    for module in (routes_runs, routes_results, routes_bench):
        app.include_router(module.router)
    _add_basics(app, settings)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _add_basics(app: FastAPI, settings: ServerSettings) -> None:
    page = (STATIC / "index.html").read_bytes()

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return Response(page, 200, {"Cache-Control": "no-cache"}, "text/html; charset=utf-8")

    @app.get("/api/health", tags=["service"], summary="Whether the service answers")
    async def health() -> Response:
        return json_response({"ok": True, "version": __version__, "token_required": bool(settings.token)})

    @app.get("/api/project", tags=["service"], summary="What can be run here")
    async def project(request: Request) -> Response:
        service = service_of(request)
        return json_response(
            {
                "scenarios": {name: item.description for name, item in service.project.scenarios.items()},
                "variants": {name: item.parameters for name, item in service.project.variants.items()},
                "engine": service.project.engine.name,
                "sync_time_limit_s": settings.limits.sync_time_limit_s,
            }
        )

    @app.get("/api/cache", tags=["service"], summary="What is kept in memory")
    async def cache(request: Request) -> Response:
        service = service_of(request)
        caches: dict[str, ByteCache[Any]] = {
            "full_results": service.full,
            "results": service.parsed,
            "candles": service.candles,
        }
        return json_response(
            {
                **{name: asdict(one.info()) for name, one in caches.items()},
                "watchers": service.hub.watchers,
                "channels": len(service.hub.channels),
            }
        )

    @app.post(
        "/api/session",
        tags=["service"],
        dependencies=[Depends(require_json)],
        summary="Sign the page in with the token",
    )
    async def sign_in(body: TokenBody) -> Response:
        if settings.token and not hmac.compare_digest(body.token.encode(), settings.token.encode()):
            raise ApiError(401, "token", "the token is wrong")
        response = json_response({"ok": True})
        if settings.token:
            response.set_cookie(COOKIE, session_value(settings.token), httponly=True, samesite="strict")
        return response


async def _on_harness_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HarnessError)
    return problem_response(as_api_error(error))


async def _on_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": ".".join(str(part) for part in item["loc"]), "what": item["msg"]} for item in error.errors()[:20]
    ]
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem_response(ApiError(400, "json", "the body is not JSON"))
    first = found[0]
    return problem_response(ApiError(422, "input", f"{first['where']}: {first['what']}", more={"errors": found}))


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = ALLOWED_METHODS.get(error.status_code, "http")
    return problem_response(ApiError(error.status_code, kind, str(error.detail), error.headers))


async def _on_bug(_: Request, __: Exception) -> Response:
    return problem_response(ApiError(500, "bug", "internal error; the service's log has the trace"))
