from __future__ import annotations

import pytest

from penstock.accounts import passwords
from penstock.engine.errors import UsageError


@pytest.mark.parametrize(
    "bad", ["", "short", "x" * 201, "passwordpassword", "ababababababab", "ben-ben-ben-12", "PASSWORD1234"]
)
def test_a_password_that_is_short_or_tried_first_is_refused(bad: str) -> None:
    with pytest.raises(UsageError):
        passwords.hashed(bad, "ben")


def test_a_password_is_kept_as_argon2id_with_its_own_salt() -> None:
    one, two = passwords.hashed("three grey herons", "ben"), passwords.hashed("three grey herons", "ben")
    assert one != two
    assert one.startswith("$argon2id$")
    assert passwords.matches(one, "three grey herons")
    assert not passwords.matches(one, "three grey heron")
    assert not passwords.outdated(one)


def test_nothing_matches_what_is_no_hash() -> None:
    assert not passwords.matches("", "nobody has this password")
    assert not passwords.matches("garbage", "garbage")


def test_an_unknown_name_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = passwords.hasher()

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            asked.append(stored)
            return real.verify(stored, password)

        def hash(self, password: str) -> str:
            return real.hash(password)

    passwords._nobody()
    monkeypatch.setattr(passwords, "hasher", lambda: Counting())
    passwords.matches("", "x")
    passwords.matches(real.hash("y"), "x")
    parameters = {stored.split("$")[3] for stored in asked}
    assert len(asked) == 2
    assert len(parameters) == 1
