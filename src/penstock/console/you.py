"""Who is signed in: their accounts, their tokens, their password."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from penstock.accounts import access, passwords, throttle, tokens, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import Account, ApiToken, Site, User
from penstock.console.commands import Way
from penstock.console.roles import signed_in
from penstock.console.teams import moment
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import NotFound, PenstockError, UsageError
from penstock.engine.ids import Ids, RandomIds

CLOCK: Clock = SystemClock()
IDS: Ids = RandomIds()
LASTS = {"30": "30 days", "90": "90 days", "365": "a year", "never": "until it is revoked"}
SHOWN = 100  # tokens
WAYS = [
    Way("Make a token", "penstock token create --user NAME --site SITE --role viewer --expires 90d"),
    Way("List", "penstock token list"),
    Way("Revoke", "penstock token revoke ID"),
    Way("Use one", "curl -H 'Authorization: Bearer TOKEN' …", "GET /api/v1/automation/current_run?site_id=N"),
]


@require_safe
def you(request: HttpRequest) -> HttpResponse:
    """Everything about the caller."""
    return _page(request, signed_in(request))


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """A token for the caller, at a site that they own; its text is shown by this answer and never again."""
    caller = signed_in(request)
    try:
        user, site = _for_whom(request, caller), _for_which(request, caller)
        role = access.role_named(request.POST.get("role", ""))
        _, text = tokens.create(
            caller, CLOCK.wall(), IDS, user, role=role, site=site, expires_at=_end(request.POST.get("lasts", "")),
            label=request.POST.get("label", "").strip(),
        )  # fmt: skip
    except PenstockError as error:
        return _page(request, caller, 422, wrong=str(error))
    return _page(request, caller, token=text)


def _for_whom(request: HttpRequest, caller: Caller) -> User:
    """Users make tokens for themselves; the person who started the program, for any user."""
    if caller.user is not None:
        return User.objects.get(pk=caller.user)
    return users.user_named(request.POST.get("user", ""))


def _for_which(request: HttpRequest, caller: Caller) -> Site | None:
    """A site that the caller owns. The person who started the program may leave it open."""
    name = request.POST.get("site", "")
    if not name and caller.user is None:
        return None
    return access.reach(caller, name, Role.OWNER)


def _end(lasts: str) -> datetime | None:
    if lasts not in LASTS:
        raise UsageError("choose how long the token lasts")
    return None if lasts == "never" else CLOCK.wall() + timedelta(days=int(lasts))


@require_POST
def revoke_token(request: HttpRequest, token: int) -> HttpResponse:
    """End one of the caller's tokens. Somebody else's is as good as none."""
    caller = signed_in(request)
    if not _tokens(caller).filter(pk=token).exists():
        raise NotFound("there is no such token")
    tokens.revoke(caller, CLOCK.wall(), token)
    return HttpResponseRedirect(reverse("you") + "#tokens")


@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password, for who knows the old one. It signs out everywhere."""
    caller = signed_in(request)
    user = User.objects.filter(pk=caller.user).first() if caller.user is not None else None
    if user is None:
        raise NotFound("there is no such page")
    at, address = CLOCK.wall(), request.META.get("REMOTE_ADDR", "")
    try:
        throttle.check(at, user.name, address)
        if not passwords.matches(user.password, request.POST.get("old", "")):
            throttle.failed(at, user.name, address)
            raise UsageError("the present password is another one")
        users.set_password(caller, at, user, request.POST.get("new", ""))
    except PenstockError as error:
        return _page(request, caller, 422, wrong_password=str(error))
    return HttpResponseRedirect(reverse("sign_in"))


def _tokens(caller: Caller) -> Any:
    found = ApiToken.objects.select_related("user", "site").order_by("-id")
    return found if caller.user is None else found.filter(user=caller.user)


def _page(request: HttpRequest, caller: Caller, status: int = 200, **more: Any) -> HttpResponse:
    now, reached = CLOCK.wall(), list(access.sites_of(caller))
    owned = [site for site in reached if access.role_in(caller, site.account_id) is Role.OWNER]
    context = {
        "caller": caller, "accounts": _accounts(caller, reached), "sites": owned, "lasts": LASTS, "roles": list(Role),
        "tokens": [_token(one, now) for one in _tokens(caller)[:SHOWN]], "ways": WAYS, "local": caller.user is None,
        "people": User.objects.filter(active=True).order_by("name") if caller.user is None else [], **more,
    }  # fmt: skip
    return render(request, "console/you.html", context, status=status)


def _accounts(caller: Caller, reached: list[Site]) -> list[dict[str, Any]]:
    known = Account.objects.order_by("name")
    known = known if caller.user is None else known.filter(memberships__user=caller.user)
    return [
        {
            "name": one.name, "role": access.role_in(caller, one.pk),
            "sites": [site.name for site in reached if site.account_id == one.pk],
        }
        for one in known
    ]  # fmt: skip


def _token(one: ApiToken, now: datetime) -> dict[str, Any]:
    over = one.expires_at is not None and one.expires_at <= now
    state = "revoked" if one.revoked_at else "over" if over else "in force"
    return {
        "token": one, "state": state, "live": state == "in force", "made": moment(one.created_at),
        "ends": moment(one.expires_at) or "never", "used": moment(one.used_at) or "never",
    }  # fmt: skip
