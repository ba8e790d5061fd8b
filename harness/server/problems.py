"""Errors of the API: problem documents as RFC 9457 has them, one line each, no trace."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from harness.errors import BusyError, DamagedError, EngineError, HarnessError, InputError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:harness:problem:"


class ApiError(HarnessError):
    """A refusal with its HTTP status. ``kind`` is the last part of the problem's type; ``more`` goes into the body."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind = status, kind
        self.headers, self.more = dict(headers or {}), dict(more or {})


def problem_body(status: int, kind: str, detail: str, more: Mapping[str, Any] | None = None) -> bytes:
    """The problem document."""
    title = HTTPStatus(status).phrase
    document = {"type": f"{TYPE_PREFIX}{kind}", "title": title, "status": status, "detail": detail, **(more or {})}
    return orjson.dumps(document)


def problem_response(error: ApiError) -> Response:
    body = problem_body(error.status, error.kind, str(error), error.more)
    return Response(body, error.status, error.headers, MEDIA_TYPE)


def as_api_error(error: HarnessError) -> ApiError:
    """The project's errors by what the caller can do about them."""
    if isinstance(error, ApiError):
        return error
    detail = " ".join(str(error).split())
    for kind, status, name in (
        (InputError, 422, "input"),
        (BusyError, 409, "busy"),
        (DamagedError, 500, "damaged"),
        (EngineError, 500, "engine"),
    ):
        if isinstance(error, kind):
            return ApiError(status, name, detail)
    return ApiError(500, "harness", detail)


def not_found(detail: str) -> ApiError:
    return ApiError(404, "not-found", detail)
