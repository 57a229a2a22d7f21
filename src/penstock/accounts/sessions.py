"""Who is signed in: the person who started the program, by a link that works once, or a user with a password."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.conf import settings
from django.http import HttpRequest

from penstock.accounts import audit, passwords, throttle
from penstock.accounts.access import Caller
from penstock.accounts.models import Session, User
from penstock.accounts.tokens import digest
from penstock.accounts.tx import commits, write
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.ids import Ids, RandomIds

commits("accounts.sign_in", "accounts.sign_out", "accounts.seen", "accounts.rehash")

LINK_SECONDS = 600.0
SESSION_SECONDS = 12 * 3600  # a session ends then, whatever happens
IDLE_SECONDS = 4 * 3600  # and when nothing was asked for so long
NOTED_SECONDS = 300  # how exactly the last request is kept


class Doorkeeper:
    """One-time links and sessions of one server. Links are kept as hashes, in memory only: they end with it.

    Sessions are rows, so they outlive a restart, and signing out ends every copy of a cookie."""

    def __init__(self, clock: Clock, ids: Ids, operator: str) -> None:
        self._clock, self._ids, self._operator = clock, ids, operator
        self._links: dict[str, float] = {}

    def new_link(self) -> str:
        """A token that opens one session within LINK_SECONDS."""
        token = self._ids.token()
        self._links[digest(token)] = self._clock.monotonic() + LINK_SECONDS
        return token

    def open_session(self, token: str) -> str | None:
        """The session that a link's token is worth; None when it was used, is too old or never was."""
        until = self._links.pop(digest(token), None)
        if until is None or self._clock.monotonic() > until:
            return None
        return self._open(None, self._operator)

    def sign_in(self, name: str, password: str, address: str) -> str | None:
        """A session for a user; None for a wrong name or password, which take equally long. Raises TooMany."""
        at = self._clock.wall()
        throttle.check(at, name, address)
        user = User.objects.filter(name=name, active=True).first()
        if not passwords.matches(user.password if user else "", password) or user is None:
            throttle.failed(at, name, address)
            return None
        if passwords.outdated(user.password):
            with write("accounts.rehash"):
                User.objects.filter(pk=user.pk).update(password=passwords.hasher().hash(password))
        throttle.cleared(name)
        return self._open(user, user.name)

    def _open(self, user: User | None, who: str) -> str:
        key, at = self._ids.token() + self._ids.token(), self._clock.wall()
        with write("accounts.sign_in"):
            Session.objects.filter(created_at__lt=_before(at, SESSION_SECONDS)).delete()
            Session.objects.create(key_hash=digest(key), user=user, who=who[:100], created_at=at, seen_at=at)
            audit.note(at, Caller(who, user.pk if user else None), "session.open")
        return key

    def caller(self, session: str) -> Caller | None:
        """The person of a session; None when it is forged, over, signed out, or its user is not active any more."""
        if not session:
            return None
        row, at = Session.objects.select_related("user").filter(key_hash=digest(session)).first(), self._clock.wall()
        if row is None or (row.user is not None and not row.user.active):
            return None
        if row.created_at < _before(at, SESSION_SECONDS) or row.seen_at < _before(at, IDLE_SECONDS):
            return None
        if row.seen_at < _before(at, NOTED_SECONDS):
            with write("accounts.seen"):
                Session.objects.filter(pk=row.pk).update(seen_at=at)
        return Caller(row.who, row.user_id)

    def who(self, session: str) -> str:
        """The name of the person of a session; "" when there is none."""
        found = self.caller(session)
        return found.name if found else ""

    def end(self, session: str) -> None:
        """Sign a session out."""
        row, at = Session.objects.filter(key_hash=digest(session)).first(), self._clock.wall()
        if row is not None:
            with write("accounts.sign_out"):
                row.delete()
                audit.note(at, Caller(row.who, row.user_id), "session.close")


@cache
def keeper() -> Doorkeeper:
    """The doorkeeper of this process."""
    return Doorkeeper(SystemClock(), RandomIds(), settings.PENSTOCK.operator)


def cookie_name(request: HttpRequest) -> str:
    """Cookies are shared by all ports of a host: two homes that are served at once must not share one."""
    return f"penstock_session_{request.get_port()}"


def caller_of(request: HttpRequest) -> Caller | None:
    """Who is signed in by the request's cookie. Looked up once per request."""
    if not hasattr(request, "_penstock_caller"):
        found = keeper().caller(request.COOKIES.get(cookie_name(request), ""))
        request._penstock_caller = found  # type: ignore[attr-defined]
    answer: Caller | None = request._penstock_caller  # type: ignore[attr-defined]
    return answer


def _before(at: datetime, seconds: float) -> datetime:
    from datetime import timedelta

    return at - timedelta(seconds=seconds)
