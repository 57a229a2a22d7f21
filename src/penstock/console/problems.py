"""What went wrong, as a page: one sentence, and what to do next."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from penstock.accounts.access import Denied
from penstock.engine.errors import IllegalMove, NotFound, PenstockError, Refused, UsageError

log = logging.getLogger("django.request")
STATUS: dict[type[PenstockError], int] = {Denied: 403, NotFound: 404, UsageError: 422, Refused: 409, IllegalMove: 409}


class Boundary:
    """An error that a person can mend becomes its sentence; any other goes on to `broken` and into the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for an expected error."""
        if isinstance(error, PenstockError):
            return page(request, status_of(error), str(error))
        if isinstance(error, OperationalError):
            log.warning("%s: %s", request.path, error)
            sentence = "The database cannot be used at this moment: another program may be writing to it."
            return page(request, 503, sentence, "Nothing was changed. Try again in a moment.")
        return None


def status_of(error: PenstockError) -> int:
    """The HTTP status of an expected error."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def page(request: HttpRequest, status: int, sentence: str, mend: str = "") -> HttpResponse:
    """A page that says one thing."""
    return render(request, "console/problem.html", {"sentence": sentence, "mend": mend}, status=status)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token, or from another site."""
    sentence = "This form did not come from this page, or the page was open for too long."
    return page(request, 403, sentence, "Nothing was changed. Load the page again and repeat it.")


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400."""
    return page(request, 400, "That request cannot be read.", "Nothing was changed.")


def denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403."""
    return page(request, 403, "That is not allowed.", "Nothing was changed.")


def missing(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404."""
    return page(request, 404, "There is no such page.")


def broken(request: HttpRequest) -> HttpResponse:
    """500. The details are in the log that `server` keeps."""
    sentence = "Something unexpected went wrong with this page."
    return page(request, 500, sentence, "The details are in logs/console.log of the home.")
