from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from penstock.accounts import throttle
from penstock.accounts.models import SignInFailure
from tests.accounts.conftest import AT


def test_the_wait_doubles_up_to_a_limit(ledger_home: Any) -> None:
    waits = []
    for n in range(throttle.FREE["name"] + 9):
        throttle.failed(AT, "ben", f"10.0.0.{n}")
        try:
            throttle.check(AT, "ben", "10.1.1.1")
        except throttle.TooMany as error:
            waits.append(error.facts["seconds"])
    assert waits[:4] == [15.0, 30.0, 60.0, 120.0]
    assert waits[-1] == throttle.LONGEST


def test_an_address_that_tries_many_names_has_to_wait_too(ledger_home: Any) -> None:
    for n in range(throttle.FREE["from"]):
        throttle.failed(AT, f"user-{n}", "10.0.0.9")
    with pytest.raises(throttle.TooMany):
        throttle.check(AT, "somebody", "10.0.0.9")
    throttle.check(AT, "somebody", "10.0.0.8")


def test_failures_are_forgotten_after_a_while_and_after_a_success(ledger_home: Any) -> None:
    for _ in range(throttle.FREE["name"]):
        throttle.failed(AT, "ben", "10.0.0.9")
    throttle.check(AT + throttle.WINDOW + timedelta(seconds=1), "ben", "10.0.0.9")
    throttle.cleared("ben")
    throttle.check(AT, "ben", "10.0.0.8")


def test_names_are_not_kept_as_they_are_typed(ledger_home: Any) -> None:
    throttle.failed(AT, "my-password-by-mistake", "10.0.0.9")
    assert "mistake" not in str(list(SignInFailure.objects.values()))
