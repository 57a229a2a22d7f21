"""What a page asks of who looks at it, and of who changes something with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest

from penstock.accounts import access
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import Site
from penstock.accounts.sessions import caller_of
from penstock.engine.errors import NotFound

SAFE = ("GET", "HEAD", "OPTIONS")
View = TypeVar("View", bound=Callable[..., Any])


def asks(*, to_look: Role = Role.VIEWER, to_act: Role = Role.OPERATOR) -> Callable[[View], View]:
    """Mark a view; without a mark viewers look and operators act."""

    def mark(view: View) -> View:
        view.asks = (to_look, to_act)  # type: ignore[attr-defined]
        return view

    return mark


def needed(view: Callable[..., Any], method: str | None) -> Role:
    """The role that a request to this view takes."""
    to_look, to_act = getattr(view, "asks", (Role.VIEWER, Role.OPERATOR))
    role: Role = to_look if method in SAFE else to_act
    return role


def signed_in(request: HttpRequest) -> Caller:
    """Who asks; pages are reached by nobody else. Raises NotFound."""
    found = caller_of(request)
    if found is None:
        raise NotFound("there is no such page")
    return found


def role_at(request: HttpRequest, site: Site) -> Role | None:
    """The caller's role at a site."""
    return access.role_in(signed_in(request), site.account_id)
