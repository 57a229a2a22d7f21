"""The chapter of people: users, tokens, sessions, credits, providers and schedules, each verb there is.

Whatever a kill has left of it, the next telling does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from penstock.accounts import credits, integrations, keyring, passwords, throttle, tokens, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.credits import Purpose
from penstock.engine.ids import RandomIds

SECRET, ADDRESS = "three grey herons by the pond", "10.0.0.9"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHEAPER = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)


def open_for_a_day(_home: Path, site: Any, me: Caller, clock: Any) -> None:
    """Everything that an office does in a day. Raises AssertionError when the books do not balance."""
    at = clock.wall()
    with _cheap_hashes():
        _people(me, at)
        _programs(me, at)
        _sessions(clock)
    _branch(me, at)
    _money(me, at)
    _providers(me, at, site)
    _clockwork(clock, site)


@contextmanager
def _cheap_hashes() -> Iterator[None]:
    """What a password costs is not what is looked at here."""
    kept = passwords.hasher
    passwords.hasher = lambda: CHEAP  # type: ignore[assignment]
    try:
        yield
    finally:
        passwords.hasher = kept


def _branch(me: Caller, at: datetime) -> None:
    """Two sites of the office, made in the console, and keywords for one of them."""
    from penstock.accounts.models import Site
    from penstock.console import settingup
    from penstock.pipelines.content import intake

    if not Site.objects.filter(name="branch").exists():
        settingup._create(me, "branch", "photos", "UTC", "office")
    if not Site.objects.filter(name="words").exists():
        settingup._create(me, "words", "content", "UTC", "office")
    intake.import_text(Site.objects.get(name="words"), "heron\npond\n", at)


def _people(me: Caller, at: datetime) -> None:
    from penstock.accounts.models import Account, Membership, User

    account = Account.objects.filter(name="office").first() or users.create_account(me, at, "office")
    ann, ben = (User.objects.filter(name=one).first() or users.create(me, at, one) for one in ("ann", "ben"))
    users.set_password(me, at, ann, SECRET)
    users.set_active(me, at, ben, False)
    users.add_member(me, at, ann, account, Role.OWNER)
    users.add_member(me, at, ben, account, Role.VIEWER)
    users.remove_member(me, at, ben, account)
    if list(Membership.objects.filter(account=account).values_list("user__name", "role")) != [("ann", "owner")]:
        raise AssertionError("ann is not the one owner")


def _programs(me: Caller, at: datetime) -> None:
    token, text = tokens.create(me, at, RandomIds(), users.user_named("ann"), role=Role.OPERATOR)
    if tokens.caller_of(text, at) is None:
        raise AssertionError("a fresh token is worth nothing")
    tokens.revoke(me, at, token.pk)
    if tokens.caller_of(text, at) is not None:
        raise AssertionError("a revoked token is worth something")


def _sessions(clock: Any) -> None:
    from penstock.accounts.models import Session, User
    from penstock.accounts.sessions import NOTED_SECONDS, Doorkeeper

    door = Doorkeeper(clock, RandomIds(), "root")
    throttle.failed(clock.wall(), "ann", ADDRESS)
    User.objects.filter(name="ann").update(password=CHEAPER.hash(SECRET))
    session = door.sign_in("ann", SECRET, ADDRESS) or ""
    Session.objects.update(seen_at=clock.wall() - timedelta(seconds=NOTED_SECONDS + 1))
    if door.who(session) != "ann":
        raise AssertionError("ann is signed in and is not known")
    door.end(session)
    if door.who(session):
        raise AssertionError("ann is signed out and is known")


def _money(me: Caller, at: datetime) -> None:
    account = users.account_named("office")
    credits.grant(me, at, account, 5000, "first")
    for item, cost in (("1", 700), ("2", None)):
        purpose = Purpose("a-run", "a-stage", item)
        credits.reserve(at, account.pk, 1000, purpose)
        credits.release(at, purpose) if cost is None else credits.settle(at, purpose, cost)
    left = credits.balance(account.pk)
    if (left.available, left.reserved) != (4300, 0):
        raise AssertionError(f"4300 are left, the books say {left.available} and {left.reserved}")


def _providers(me: Caller, at: datetime, site: Any) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    for name in ("writer", "painter"):
        integrations.put(me, at, site, name, "https://api.example.org", f"sk-{name}-0123456789", resolve=resolve)
    integrations.rotate(me, at)
    if integrations.key_for(integrations.named(site, "writer"), resolve)[1] != "sk-writer-0123456789":
        raise AssertionError("a key was lost")
    for one in list(integrations.listed(site)):
        integrations.remove(me, at, site, one.name)
    for left in (keyring.file(), Path(f"{keyring.file()}.lock")):  # keys are never the same
        left.unlink()


def _clockwork(clock: Any, site: Any) -> None:
    """A slot that nobody can pay for, and one of a schedule that is off: neither starts a run."""
    from penstock.ledger import ESTIMATES, configuration, schedule
    from penstock.ledger.models import Schedule

    configuration.change(site, {"is_enabled": True}, clock.wall(), Caller("root", via="terminal"))
    kept = ESTIMATES.get(site.pipeline)
    ESTIMATES[site.pipeline] = lambda _site: 10**9
    try:
        for on in (True, False):
            ago = clock.wall() - timedelta(minutes=1)
            Schedule.objects.filter(site=site).update(enabled=on, next_run_at=ago)
            schedule.check(clock, RandomIds())
    finally:
        ESTIMATES.pop(site.pipeline)
        if kept is not None:
            ESTIMATES[site.pipeline] = kept
