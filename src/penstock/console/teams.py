"""An account: its members, its credits, its audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from penstock.accounts import access, audit, credits, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import Account, AuditEntry, CreditEntry, Membership, Site
from penstock.console.amounts import plain
from penstock.console.commands import Way
from penstock.console.roles import asks, signed_in
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import NotFound, PenstockError
from penstock.engine.ids import Ids, RandomIds

CLOCK: Clock = SystemClock()
IDS: Ids = RandomIds()
SHOWN = 50  # entries of a page


@require_http_methods(["GET", "HEAD", "POST"])
@asks(to_look=Role.OWNER, to_act=Role.OWNER)
def members(request: HttpRequest, account: str) -> HttpResponse:
    """Who belongs to the account, and as what; POST adds, changes or removes one."""
    owner, caller = users.account_named(account), signed_in(request)
    if request.method == "POST":
        try:
            _change_member(request, owner, caller)
        except PenstockError as error:
            given = {name: request.POST.get(name, "")[:60] for name in ("name", "role")}
            return _members(request, owner, 422, wrong=str(error), given=given)
        return HttpResponseRedirect(reverse("members", args=[owner.name]))
    return _members(request, owner)


def _change_member(request: HttpRequest, owner: Account, caller: Caller) -> None:
    """A password makes a new user; without one the user must be there."""
    name, password = request.POST.get("name", "").strip()[:60], request.POST.get("password", "")
    at = CLOCK.wall()
    if request.POST.get("verb") == "remove":
        users.remove_member(caller, at, users.user_named(name), owner)
        return
    role = access.role_named(request.POST.get("role", ""))
    with users.write("accounts.member"):
        user = users.create(caller, at, name, password) if password else users.user_named(name)
        users.add_member(caller, at, user, owner, role)


def _members(request: HttpRequest, owner: Account, status: int = 200, **more: Any) -> HttpResponse:
    found = Membership.objects.select_related("user").filter(account=owner).order_by("user__name")
    ways = [
        Way("Make a user", "penstock user create NAME"),
        Way("Add or change", f"penstock member add USER --account {owner.name} --role operator"),
        Way("Remove", f"penstock member remove USER --account {owner.name}"),
        Way("Stop a user everywhere", "penstock user disable NAME"),
    ]
    context = {"account": owner, "found": found, "roles": list(Role), "ways": ways, **more}
    return render(request, "console/members.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@asks(to_act=Role.OWNER)
def credit(request: HttpRequest, account: str) -> HttpResponse:
    """What the account has and what it was spent on; POST grants, once per form."""
    owner, caller = users.account_named(account), signed_in(request)
    wrong = ""
    if request.method == "POST":
        key, note = request.POST.get("key", "")[:60], request.POST.get("note", "").strip()[:200]
        try:
            amount = credits.parsed(request.POST.get("amount", "").strip())
            credits.grant(caller, CLOCK.wall(), owner, amount, f"console-{key}", note)
        except PenstockError as error:
            wrong = str(error)
        else:
            return HttpResponseRedirect(reverse("credits", args=[owner.name]))
    held, page = credits.balance(owner.pk), _page(request)
    entries = CreditEntry.objects.filter(account=owner).order_by("-id")
    role = access.role_in(caller, owner.pk)
    context = {
        "account": owner, "available": plain(held.available), "reserved": plain(held.reserved),
        **_paged([_credit(one) for one in entries[(page - 1) * SHOWN : page * SHOWN + 1]], page),
        "wrong": wrong, "key": IDS.token(), "owns": role is Role.OWNER,
        "ways": [Way("Grant", f"penstock credits grant {owner.name} N"),
                 Way("Look", f"penstock credits show {owner.name}")],
    }  # fmt: skip
    return render(request, "console/credits.html", context, status=422 if wrong else 200)


def _credit(one: CreditEntry) -> dict[str, Any]:
    return {"entry": one, "moved": plain(one.available, sign=True), "held": plain(one.reserved, sign=True)}


@require_safe
@asks(to_look=Role.OWNER)
def account_audit(request: HttpRequest, account: str) -> HttpResponse:
    """Who changed what in an account and its sites."""
    owner = users.account_named(account)
    return _audit(request, {"account": owner}, audit.entries(account=owner.pk))


@require_safe
def home_audit(request: HttpRequest) -> HttpResponse:
    """Everything that was changed in this home: for the person who started the program only."""
    if signed_in(request).user is not None:
        raise NotFound("there is no such page")
    return _audit(request, {}, audit.entries())


def _audit(request: HttpRequest, context: dict[str, Any], entries: Any) -> HttpResponse:
    who, verb = request.GET.get("who", "").strip()[:60], request.GET.get("verb", "").strip()[:40]
    if who:
        entries = entries.filter(who=who)
    if verb:
        entries = entries.filter(verb__startswith=verb)
    page = _page(request)
    part = list(entries[(page - 1) * SHOWN : page * SHOWN + 1])
    names = dict(Site.objects.filter(pk__in={one.site for one in part if one.site}).values_list("pk", "name"))
    told = [_entry(one, names) for one in part]
    return render(request, "console/audit.html", {**context, **_paged(told, page), "who": who, "verb": verb})


def _entry(one: AuditEntry, names: dict[int, str]) -> dict[str, Any]:
    detail = ", ".join(f"{key}: {value}" for key, value in one.detail.items() if value not in (None, ""))
    return {"entry": one, "detail": detail, "site": names.get(one.site or 0, ""), "at": moment(one.at)}


def moment(at: datetime | None) -> str:
    """A moment that belongs to no site, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


def _paged(rows: list[Any], page: int) -> dict[str, Any]:
    """One more was read than is shown: whether there is an older page."""
    return {"found": rows[:SHOWN], "older": page + 1 if len(rows) > SHOWN else 0, "newer": page - 1}
