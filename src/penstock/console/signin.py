"""Who may come in: the person who started the server, by a link that works once; users by name and password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from penstock.accounts import access
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import User
from penstock.accounts.sessions import SESSION_SECONDS, caller_of, cookie_name, keeper
from penstock.accounts.throttle import TooMany
from penstock.console.problems import page, status_of
from penstock.engine.errors import NotFound, PenstockError
from penstock.ledger.models import Run

OTHER_DOORS = ("/api/", "/healthz", "/readyz", "/metrics")  # they ask for themselves who calls
SAFE = ("GET", "HEAD", "OPTIONS")
OWNERS = ("rollback",)  # pages whose forms only an owner may send


def who_is(request: HttpRequest) -> str:
    """The person who is signed in; "" when nobody is."""
    found = caller_of(request)
    return found.name if found else ""


class RequireSignIn:
    """Nobody sees a page without a session, except the page that makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], _args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer 401 with the way in, unless there is a session; 404 for what is not the caller's."""
        if view is sign_in or request.path.startswith(OTHER_DOORS):
            return None
        caller = caller_of(request)
        if caller is None:
            return _way_in(request, 401)
        try:
            _look(request, caller, kwargs)
        except PenstockError as error:
            return page(request, status_of(error), str(error))
        return None


def _look(request: HttpRequest, caller: Caller, kwargs: dict[str, Any]) -> None:
    """Whatever address names a site or a run is looked at here, once for all pages. Raises NotFound or Denied."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    needed = Role.VIEWER if request.method in SAFE else Role.OWNER if name in OWNERS else Role.OPERATOR
    if "site" in kwargs:
        access.reach(caller, str(kwargs["site"]), needed)
    if "run" in kwargs:
        _look_at_run(caller, str(kwargs["run"]), needed)


def _look_at_run(caller: Caller, run: str, needed: Role) -> None:
    """One that is missing is left to the page when all runs are the caller's: it knows of those that are not kept."""
    site = Run.objects.filter(id=run).values_list("site", flat=True).first()
    if site is None and caller.user is None:
        return
    if site is None or not access.sites_of(caller).filter(pk=site).exists():
        raise NotFound("there is no such run")
    access.reach(caller, int(site), needed)


def _way_in(request: HttpRequest, status: int, **told: Any) -> HttpResponse:
    return render(request, "console/signin.html", {"token": "", "people": _people(), **told}, status=status)


def _people() -> bool:
    """Whether anybody has a password: only then there is a form for it."""
    return User.objects.filter(active=True).exclude(password="").exists()


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Looking at the link spends nothing (programs look at links, too); sending the form does."""
    if request.method == "POST":
        return _exchange(request)
    if who_is(request):
        return HttpResponseRedirect(reverse("sites"))
    return _way_in(request, 200, token=request.GET.get("token", "")[:100])


def _exchange(request: HttpRequest) -> HttpResponse:
    if "name" in request.POST:
        return _password(request)
    session = keeper().open_session(request.POST.get("token", ""))
    return _way_in(request, 403, spent=True) if session is None else _signed_in(request, session)


def _password(request: HttpRequest) -> HttpResponse:
    name, password = request.POST["name"][:60], request.POST.get("password", "")
    try:
        session = keeper().sign_in(name, password, request.META.get("REMOTE_ADDR", ""))
    except TooMany as error:
        return _way_in(request, 429, why=str(error), name=name)
    if session is None:
        return _way_in(request, 403, why="That name and password do not belong together.", name=name)
    return _signed_in(request, session)


def _signed_in(request: HttpRequest, session: str) -> HttpResponse:
    """A new session for every sign-in, and a new CSRF token with it."""
    rotate_token(request)
    response = HttpResponseRedirect(reverse("sites"))
    response.set_cookie(
        cookie_name(request), session, max_age=SESSION_SECONDS, httponly=True, samesite="Strict",
        secure=request.is_secure(),
    )  # fmt: skip
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, here and for every copy of its cookie."""
    keeper().end(request.COOKIES.get(cookie_name(request), ""))
    response = _way_in(request, 200, out=True)
    response.delete_cookie(cookie_name(request), samesite="Strict")
    return response
