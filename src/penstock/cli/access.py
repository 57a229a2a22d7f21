"""What programs are let in by, and what was changed by whom: API tokens and the audit log."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.people import at_terminal
from penstock.cli.session import Session

if TYPE_CHECKING:
    from penstock.accounts.models import ApiToken

_LASTS = re.compile(r"([1-9]\d{0,3})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@click.group(cls=Family)
def token() -> None:
    """Keys for programs that call the API. A token never may more than its user."""


@token.command(cls=Leaf)
@click.option("--user", "name", required=True, metavar="NAME", help="Whom it acts for.")
@click.option("--site", metavar="S", help="Only this site.")
@click.option("--role", default="viewer", show_default=True, metavar="R", help="viewer, operator or owner at most.")
@click.option("--expires", default="90d", show_default=True, metavar="T", help="12h, 90d, 4w, a date, or never.")
@click.option("--label", default="", metavar="TEXT", help="What it is for.")
@click.pass_obj
def create(session: Session, name: str, site: str | None, role: str, expires: str, label: str) -> int:
    """Make a token. It is printed once, and only its hash is kept."""
    from penstock.accounts import access, tokens, users
    from penstock.accounts.models import site_named

    home = session.open()
    made, text = tokens.create(
        at_terminal(home), home.now(), home.ids, users.user_named(name), role=access.role_named(role),
        site=site_named(site) if site else None, expires_at=_end(expires, home.now()), label=label,
    )  # fmt: skip
    session.show.document({**_facts(made), "token": text})
    if not session.json:
        click.echo(text)
    session.show.note("Keep it now: it is not shown again. Send it as `Authorization: Bearer …`.")
    return 0


def _end(text: str, now: datetime) -> datetime | None:
    """When a token ends. Raises UsageError."""
    from penstock.engine.errors import UsageError

    if text == "never":
        return None
    lasts = _LASTS.fullmatch(text)
    if lasts:
        return now + timedelta(**{_UNITS[lasts[2]]: int(lasts[1])})
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--expires {text!r}: write 12h, 90d, 4w, a date like 2027-01-31, or never") from None
    return end if end.tzinfo else end.replace(tzinfo=now.tzinfo)


@token.command(name="list", cls=Leaf)
@click.pass_obj
def list_tokens(session: Session) -> int:
    """Every token, without its text."""
    from penstock.accounts.models import ApiToken

    found = [_facts(one) for one in ApiToken.objects.select_related("user", "site").order_by("id")]
    session.show.document({"tokens": found})
    if not found:
        session.show.say("There is no token yet. Make one: penstock token create --user NAME")
    columns = ("id", "user", "ends_in", "role", "site", "expires_at", "used_at", "revoked", "label")
    session.show.table(columns, [[one[name] or "" for name in columns] for one in found], wrap=("label",))
    return 0


@token.command(cls=Leaf)
@click.argument("number", type=click.IntRange(min=1), metavar="ID")
@click.pass_obj
def revoke(session: Session, number: int) -> int:
    """End the token ID at once."""
    from penstock.accounts import tokens

    home = session.open()
    gone = tokens.revoke(at_terminal(home), home.now(), number)
    session.show.document({"id": number, "revoked": True})
    session.show.say(f"Token {number} of {gone.user.name} is worth nothing any more.")
    return 0


def _facts(one: ApiToken) -> dict[str, Any]:
    moments = {name: getattr(one, name) for name in ("expires_at", "used_at")}
    return {
        "id": one.pk, "user": one.user.name, "ends_in": f"…{one.last4}", "role": str(one.role),
        "site": one.site.name if one.site else None, "revoked": one.revoked_at is not None, "label": one.label,
        **{name: at.isoformat(timespec="seconds") if at else None for name, at in moments.items()},
    }  # fmt: skip


@click.command(cls=Leaf)
@click.argument("site", required=False)
@click.option("-n", "lines", type=click.IntRange(min=1, max=10000), default=50, show_default=True, help="How many.")
@click.pass_obj
def audit(session: Session, site: str | None, lines: int) -> int:
    """Who changed what in accounts: the newest entries, of SITE or of everything."""
    from penstock.accounts import audit as log
    from penstock.accounts.models import site_named

    found = [
        {
            "at": one.at.isoformat(timespec="seconds"), "who": one.who, "via": one.via, "verb": one.verb,
            "subject": one.subject, "detail": one.detail,
        }
        for one in log.entries(site=site_named(site) if site else None)[:lines]
    ]  # fmt: skip
    session.show.document({"entries": found})
    rows = [(e["at"], e["who"], e["via"], e["verb"], e["subject"], _plain(e["detail"])) for e in found]
    session.show.table(("at", "who", "via", "what", "of", "detail"), rows, wrap=("detail",))
    if not found:
        session.show.say("Nothing was changed yet.")
    return 0


def _plain(detail: Any) -> str:
    return ", ".join(f"{key}={value}" for key, value in detail.items() if value is not None)
