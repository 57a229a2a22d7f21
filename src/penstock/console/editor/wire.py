"""Typed JSON over HTTP: a body is checked before a view sees it, an error is one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST
from pydantic import BaseModel, ConfigDict, ValidationError

from penstock.accounts.models import Site, site_named
from penstock.console.problems import status_of
from penstock.engine.errors import PenstockError, UsageError

log = logging.getLogger("django.request")
BUSY = "the database cannot be used at this moment; what was sent is kept here and sent again"


class Body(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


B = TypeVar("B", bound=Body)
View = Callable[[HttpRequest, Site, B], Mapping[str, Any]]


def takes(shape: type[B]) -> Callable[[View[B]], Callable[..., HttpResponse]]:
    """A view of a site that is sent a `shape` and answers plain data."""

    def decorate(view: View[B]) -> Callable[..., HttpResponse]:
        @require_POST
        @wraps(view)
        def answered(request: HttpRequest, site: str) -> HttpResponse:
            try:
                return JsonResponse(view(request, site_named(site), _read(shape, request)))
            except PenstockError as error:
                return JsonResponse(told(error), status=status_of(error))
            except OperationalError as error:
                log.warning("%s: %s", request.path, error)
                return JsonResponse({"code": "busy", "sentence": BUSY}, status=503)

        return answered

    return decorate


def told(error: PenstockError) -> dict[str, str]:
    """An error as data. `code` "changed": somebody else was there first."""
    return {"code": error.code, "sentence": str(error)}


def _read(shape: type[B], request: HttpRequest) -> B:
    """Raises UsageError naming the first thing that is wrong."""
    try:
        return shape.model_validate_json(request.body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise UsageError(f"{where}: {first['msg']}; load the page again") from None
