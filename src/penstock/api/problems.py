"""Errors in one shape: a sentence, a code, details. Never a stack trace, never what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from penstock.accounts.access import Denied
from penstock.engine.errors import NotFound, PenstockError, Unavailable

log = logging.getLogger("django.request")
PREFIX = "/api/"


def answer(status: int, code: str, sentence: str, detail: dict[str, Any] | None = None) -> JsonResponse:
    """The one shape."""
    return JsonResponse({"error": sentence, "code": code, "detail": detail or {}}, status=status)


def install(api: NinjaAPI) -> None:
    """Every error that can leave an operation."""
    handlers: dict[Any, Any] = {
        PenstockError: expected, ValidationError: invalid, HttpError: refused, OperationalError: busy,
        Exception: unexpected,
    }  # fmt: skip
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def expected(request: HttpRequest, error: PenstockError) -> HttpResponse:
    """What a caller can mend."""
    status = 404 if isinstance(error, NotFound) else 403 if isinstance(error, Denied) else 400
    if isinstance(error, Unavailable):
        status = 503
    if status == 403:
        log.warning("%s was refused %s %s", getattr(request, "auth", None) or "somebody", request.method, request.path)
    return answer(status, error.code, str(error), error.facts)


def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """400, naming the field."""
    first = error.errors[0]
    field = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "body")
    message = str(first["msg"])
    return answer(400, "invalid", f"{field}: {message[:1].lower()}{message[1:]}", {"field": field})


def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What the router itself refuses."""
    if isinstance(error, AuthenticationError):
        return answer(401, "no_caller", "sign in, or send a valid token: Authorization: Bearer …")
    if error.message == "csrf":
        sentence = "the CSRF token is missing or wrong; send it in X-CSRFToken, or use an API token"
        return answer(403, "csrf", sentence)
    return answer(error.status_code, "invalid", "the body cannot be read; send one JSON object as application/json")


def busy(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    """503."""
    return answer(503, "database", "the database cannot be used at this moment; nothing was changed, try again")


def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    """500. The boundary of this door: what nobody expected is logged, and told without its details."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, "internal", "something unexpected went wrong; the details are in logs/console.log of the home")


def missing(request: HttpRequest, **_: Any) -> HttpResponse:
    """An address that the API does not have."""
    return answer(404, "not_found", "there is no such address; /api/v1/openapi.json names them all")


class StrictJson(Parser):
    """Bodies are JSON and say so; NaN and Infinity are no JSON."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises ValueError, which becomes a 400."""
        if request.content_type != "application/json":
            raise ValueError("not JSON")
        found: dict[str, Any] = json.loads(request.body, parse_constant=_no_constant)
        return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


class Shape:
    """A method that an address does not take is told in the same shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if response.status_code == 405 and request.path.startswith(PREFIX):
            allowed = response.headers.get("Allow", "")
            response = answer(405, "wrong_method", f"this address takes {allowed} only", {"allow": allowed.split(", ")})
            response.headers["Allow"] = allowed
        return response
