"""Who calls: a token in the Authorization header, or the session cookie of the console (with CSRF)."""

from __future__ import annotations

import logging

from django.http import HttpRequest
from ninja.errors import AuthenticationError, HttpError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from penstock.accounts import sessions, tokens
from penstock.accounts.access import Caller
from penstock.engine.clock import Clock, SystemClock

CLOCK: Clock = SystemClock()
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
log = logging.getLogger("django.request")


class Token(HttpBearer):
    """`Authorization: Bearer pst_…`"""

    def __call__(self, request: HttpRequest) -> Caller | None:
        """A header that is there decides: no cookie is looked at when its token is worth nothing."""
        if "Authorization" not in request.headers:
            return None
        found: Caller | None = super().__call__(request)
        if found is None:
            log.warning("a token was refused: %s", request.path)
            raise AuthenticationError
        return found

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Whom the token acts for."""
        return tokens.caller_of(token, CLOCK.wall())


class Cookie(APIKeyCookie):
    """The console's session. What changes something needs the CSRF token of its pages, too."""

    param_name = "penstock_session_8420"  # the port is part of it

    def __call__(self, request: HttpRequest) -> Caller | None:
        """Nobody without a session; HTTP 403 (`csrf`) without the token."""
        found = sessions.caller_of(request)
        if found is not None and request.method not in SAFE and check_csrf(request) is not None:
            raise HttpError(403, "csrf")
        return found

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        """Who is signed in."""
        return sessions.caller_of(request)


def caller_of(request: HttpRequest) -> Caller | None:
    """Whoever calls, where nobody is let in by the router."""
    try:
        return Token()(request) or sessions.caller_of(request)
    except AuthenticationError:
        return None
