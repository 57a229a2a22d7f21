"""Who may come in: the person who started the server, by a link that works once; then a signed cookie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from penstock.engine.clock import Clock, SystemClock
from penstock.engine.ids import Ids, RandomIds

LINK_SECONDS = 600.0
SESSION_SECONDS = 12 * 3600
_SIGNER_SALT = "penstock.console.session"


class Doorkeeper:
    """One-time links and sessions of one server. Links are kept as hashes, in memory only: they end with it.

    A session is a signed value with its end inside, so it outlives a restart; one that was signed out is remembered
    until the server ends.
    """

    def __init__(self, clock: Clock, ids: Ids, operator: str) -> None:
        self._clock, self._ids, self._operator = clock, ids, operator
        self._links: dict[str, float] = {}
        self._ended: set[str] = set()

    def new_link(self) -> str:
        """A token that opens one session within LINK_SECONDS."""
        token = self._ids.token()
        self._links[_hash(token)] = self._clock.monotonic() + LINK_SECONDS
        return token

    def open_session(self, token: str) -> str | None:
        """The session that a link's token is worth; None when it was used, is too old or never was."""
        until = self._links.pop(_hash(token), None)
        if until is None or self._clock.monotonic() > until:
            return None
        end = self._clock.wall().timestamp() + SESSION_SECONDS
        return _signer().sign_object({"who": self._operator, "id": self._ids.token(), "until": end})

    def who(self, session: str) -> str:
        """The person of a session; "" when it is forged, over or signed out."""
        found = _read(session)
        over = not found or found["id"] in self._ended or self._clock.wall().timestamp() > found["until"]
        return "" if over else str(found["who"])

    def end(self, session: str) -> None:
        """Sign a session out."""
        found = _read(session)
        if found:
            self._ended.add(found["id"])


@cache
def keeper() -> Doorkeeper:
    """The doorkeeper of this process."""
    return Doorkeeper(SystemClock(), RandomIds(), settings.PENSTOCK.operator)


def who_is(request: HttpRequest) -> str:
    """The person who is signed in; "" when nobody is."""
    return keeper().who(request.COOKIES.get(cookie_name(request), ""))


def cookie_name(request: HttpRequest) -> str:
    """Cookies are shared by all ports of a host: two homes that are served at once must not share one."""
    return f"penstock_session_{request.get_port()}"


class RequireSignIn:
    """Nobody sees a page without a session, except the page that makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Answer 401 with the way in, unless there is a session."""
        if view is sign_in or who_is(request):
            return None
        return render(request, "console/signin.html", {"token": ""}, status=401)


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Looking at the link spends nothing (programs look at links, too); sending the form does."""
    if request.method == "POST":
        return _exchange(request)
    if who_is(request):
        return HttpResponseRedirect(reverse("sites"))
    return render(request, "console/signin.html", {"token": request.GET.get("token", "")[:100]})


def _exchange(request: HttpRequest) -> HttpResponse:
    session = keeper().open_session(request.POST.get("token", ""))
    if session is None:
        return render(request, "console/signin.html", {"token": "", "spent": True}, status=403)
    response = HttpResponseRedirect(reverse("sites"))
    response.set_cookie(cookie_name(request), session, max_age=SESSION_SECONDS, httponly=True, samesite="Strict")
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, here and for every copy of its cookie."""
    keeper().end(request.COOKIES.get(cookie_name(request), ""))
    response = render(request, "console/signin.html", {"token": "", "out": True})
    response.delete_cookie(cookie_name(request), samesite="Strict")
    return response


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _signer() -> Signer:
    return Signer(salt=_SIGNER_SALT, algorithm="sha256")


def _read(session: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _signer().unsign_object(session)
    except (BadSignature, ValueError):
        return {}
    return found
