"""What the person who looks may do, for templates."""

from __future__ import annotations

from typing import Any

from django.template import Library

from penstock.accounts.access import Role, role_in
from penstock.accounts.models import Site
from penstock.accounts.sessions import caller_of

register = Library()


@register.simple_tag(takes_context=True)
def may(context: Any, role: str, site: Site) -> bool:
    """Whether the caller has that role at the site, or a greater one."""
    caller = caller_of(context["request"])
    held = role_in(caller, site.account_id) if caller else None
    return held is not None and held.covers(Role(role))


@register.simple_tag(takes_context=True)
def somebody(context: Any) -> bool:
    """Whether anybody is signed in."""
    return "request" in context and caller_of(context["request"]) is not None
