"""Who asks, and what they may: roles per account, one sentence for what is missing and for what is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from django.db.models import QuerySet

from penstock.accounts.models import Account, Membership, Site
from penstock.engine.errors import NotFound, PenstockError, UsageError

Via = Literal["session", "token", "terminal", "system"]


class Role(StrEnum):
    """What a member may do, each more than the one before."""

    VIEWER = "viewer"  # looks
    OPERATOR = "operator"  # starts, pauses, resumes, cancels, retries, reviews, publishes
    OWNER = "owner"  # configuration, integrations, targets, tokens, members, rollback, unpublish, locks, credits

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        return _RANKS[self] >= _RANKS[needed]


_RANKS = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.OWNER: 2}


class Denied(PenstockError):
    """Your role does not allow that."""

    code = "forbidden"
    exit_code = 4


@dataclass(frozen=True)
class Caller:
    """Who asks. `user` None is the person at this machine, who owns everything on it; `most` and `site` are a token's
    limits."""

    name: str
    user: int | None = None
    via: Via = "session"
    most: Role = Role.OWNER
    site: int | None = None


def role_named(text: str) -> Role:
    """The role. Raises UsageError naming those there are."""
    try:
        return Role(text)
    except ValueError:
        raise UsageError(f"there is no role {text[:40]!r}; roles: {', '.join(Role)}") from None


def sites_of(caller: Caller) -> QuerySet[Site]:
    """The sites that the caller reaches, by name."""
    found = Site.objects.select_related("account").order_by("name")
    if caller.user is not None:
        found = found.filter(account__memberships__user=caller.user)
    return found if caller.site is None else found.filter(pk=caller.site)


def role_in(caller: Caller, account: int) -> Role | None:
    """The caller's role in an account; None for somebody else's account."""
    if caller.user is None:
        return caller.most
    held = Membership.objects.filter(user=caller.user, account=account).values_list("role", flat=True).first()
    return None if held is None else min(Role(held), caller.most, key=_RANKS.__getitem__)


def reach(caller: Caller, site: int | str, needed: Role = Role.VIEWER) -> Site:
    """The site with that number or name. Raises NotFound alike for a missing and a foreign one, Denied when the
    caller's role there is too low."""
    wanted = {"pk": site} if isinstance(site, int) else {"name": site}
    found = sites_of(caller).filter(**wanted).first()
    if found is None:
        raise NotFound("there is no such site")
    require(role_in(caller, found.account_id), needed)
    return found


def reach_account(caller: Caller, name: str, needed: Role = Role.VIEWER) -> Account:
    """The account of that name, under the same rules as a site. A token for one site reaches no account."""
    account = Account.objects.filter(name=name).first()
    role = role_in(caller, account.pk) if account and caller.site is None else None
    if account is None or role is None:
        raise NotFound("there is no such account")
    require(role, needed)
    return account


def require(role: Role | None, needed: Role) -> None:
    """Raise Denied unless `role` covers what is needed."""
    if role is None or not role.covers(needed):
        raise Denied(f"this needs the role {needed}; yours is {role}", facts={"role": role, "needed": needed})
