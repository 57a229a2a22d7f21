from __future__ import annotations

from pathlib import Path

import pytest

from penstock.accounts import passwords, throttle, users
from penstock.accounts.access import Caller
from penstock.accounts.models import AuditEntry, Session
from penstock.accounts.sessions import IDLE_SECONDS, LINK_SECONDS, SESSION_SECONDS, Doorkeeper
from penstock.engine.clock import VirtualClock
from penstock.engine.ids import RandomIds

ME = Caller("root", via="terminal")
SENTENCE = "three grey herons by the pond"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def door(ledger_home: Path, clock: VirtualClock) -> Doorkeeper:
    return Doorkeeper(clock, RandomIds(), "ann")


def test_a_link_opens_one_session_for_the_operator(door: Doorkeeper) -> None:
    token = door.new_link()
    session = door.open_session(token)
    assert session is not None
    assert door.who(session) == "ann"
    assert door.open_session(token) is None


def test_links_are_not_kept_as_they_are_and_cannot_be_guessed(door: Doorkeeper) -> None:
    token = door.new_link()
    assert len(token) >= 32
    assert token not in repr(vars(door))
    assert door.open_session("") is None
    assert door.open_session(token[:-1]) is None


def test_a_link_is_worth_nothing_after_ten_minutes(door: Doorkeeper, clock: VirtualClock) -> None:
    token = door.new_link()
    clock.advance(LINK_SECONDS + 1)
    assert door.open_session(token) is None


def test_a_session_ends_by_itself_however_busy_it_is(door: Doorkeeper, clock: VirtualClock) -> None:
    session = door.open_session(door.new_link()) or ""
    for _ in range(SESSION_SECONDS // 3600):
        assert door.who(session) == "ann"
        clock.advance(3600)
    clock.advance(1)
    assert door.who(session) == ""


def test_a_session_that_nobody_uses_ends_sooner(door: Doorkeeper, clock: VirtualClock) -> None:
    session = door.open_session(door.new_link()) or ""
    clock.advance(IDLE_SECONDS + 1)
    assert door.who(session) == ""


def test_a_session_outlives_a_restart_of_the_program(door: Doorkeeper, clock: VirtualClock) -> None:
    session = door.open_session(door.new_link()) or ""
    assert Doorkeeper(clock, RandomIds(), "ben").who(session) == "ann"


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "eyJ3aG8iOiJldmUifQ:bm90LXNpZ25lZA"])
def test_a_forged_session_is_nobody(door: Doorkeeper, forged: str) -> None:
    assert door.who(forged) == ""


def test_a_changed_session_is_nobody(door: Doorkeeper) -> None:
    session = door.open_session(door.new_link()) or ""
    assert door.who("A" + session[1:]) == ""


def test_a_user_signs_in_with_name_and_password_only(door: Doorkeeper, clock: VirtualClock) -> None:
    ben = users.create(ME, clock.wall(), "ben", SENTENCE)
    session = door.sign_in("ben", SENTENCE, "10.0.0.9") or ""
    caller = door.caller(session)
    assert caller is not None
    assert (caller.name, caller.user) == ("ben", ben.pk)
    assert door.sign_in("ben", SENTENCE + "s", "10.0.0.9") is None
    assert door.sign_in("cid", SENTENCE, "10.0.0.9") is None
    assert door.sign_in("ben", "", "10.0.0.9") is None


def test_nobody_signs_in_as_a_user_without_a_password(door: Doorkeeper, clock: VirtualClock) -> None:
    users.create(ME, clock.wall(), "robot")
    for tried in ("", "nobody has this password"):
        assert door.sign_in("robot", tried, "10.0.0.9") is None


def test_of_a_session_only_a_hash_is_kept_and_each_sign_in_has_its_own(door: Doorkeeper, clock: VirtualClock) -> None:
    users.create(ME, clock.wall(), "ben", SENTENCE)
    one, two = (door.sign_in("ben", SENTENCE, "10.0.0.9") or "" for _ in range(2))
    kept = str(list(Session.objects.values()))
    assert one != two
    assert one not in kept
    assert two not in kept


@pytest.mark.parametrize("act", ["disable", "password", "sign_out"])
def test_a_session_ends_with_the_user_the_password_or_by_signing_out(
    door: Doorkeeper, clock: VirtualClock, act: str
) -> None:
    ben = users.create(ME, clock.wall(), "ben", SENTENCE)
    session = door.sign_in("ben", SENTENCE, "10.0.0.9") or ""
    assert door.who(session) == "ben"
    if act == "disable":
        users.set_active(ME, clock.wall(), ben, False)
    elif act == "password":
        users.set_password(ME, clock.wall(), ben, SENTENCE + " again")
    else:
        door.end(session)
    assert door.who(session) == ""


def test_after_too_many_failures_even_the_right_password_has_to_wait(door: Doorkeeper, clock: VirtualClock) -> None:
    users.create(ME, clock.wall(), "ben", SENTENCE)
    for _ in range(throttle.FREE["name"]):
        assert door.sign_in("ben", "wrong password", "10.0.0.9") is None
    with pytest.raises(throttle.TooMany, match="15 seconds"):
        door.sign_in("ben", SENTENCE, "10.0.0.9")
    clock.advance(throttle.FIRST + 1)
    assert door.sign_in("ben", SENTENCE, "10.0.0.9")


def test_a_password_made_with_weaker_parameters_is_hashed_anew(door: Doorkeeper, clock: VirtualClock) -> None:
    from argon2 import PasswordHasher

    ben = users.create(ME, clock.wall(), "ben", SENTENCE)
    ben.password = PasswordHasher(time_cost=1, memory_cost=1024).hash(SENTENCE)
    ben.save()
    assert passwords.outdated(ben.password)
    assert door.sign_in("ben", SENTENCE, "10.0.0.9")
    ben.refresh_from_db()
    assert not passwords.outdated(ben.password)


def test_signing_in_and_out_is_audited(door: Doorkeeper) -> None:
    door.end(door.open_session(door.new_link()) or "")
    assert list(AuditEntry.objects.values_list("who", "verb").order_by("id")) == [
        ("ann", "session.open"),
        ("ann", "session.close"),
    ]
