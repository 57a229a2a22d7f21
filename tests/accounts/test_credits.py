from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.accounts import credits
from penstock.accounts.access import Caller
from penstock.accounts.credits import Purpose
from penstock.accounts.models import Account, CreditBalance, CreditEntry, CreditUse
from penstock.engine.errors import IllegalMove, NotFound, Refused, UsageError
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.oracle import examine
from tests.accounts.conftest import AT

ME = Caller("root", via="terminal")
ONE = Purpose("run-1", "caption", "photo:1")


@pytest.fixture
def account(ledger_home: Any) -> Account:
    return Account.objects.create(name="one")


def held(account: Account) -> tuple[int, int]:
    one = credits.balance(account.pk)
    return one.available, one.reserved


def test_a_grant_counts_once_per_key(account: Account) -> None:
    for _ in range(3):
        credits.grant(ME, AT, account, 5000, "invoice-7")
    assert held(account) == (5000, 0)
    with pytest.raises(UsageError, match="another one"):
        credits.grant(ME, AT, account, 6000, "invoice-7")


def test_a_reservation_is_held_then_charged_with_what_it_cost_once(account: Account) -> None:
    credits.grant(ME, AT, account, 5000, "g")
    for _ in range(2):
        credits.reserve(AT, account.pk, 3000, ONE)
    assert held(account) == (2000, 3000)
    for _ in range(2):
        credits.settle(AT, ONE, 1200)
    assert held(account) == (3800, 0)
    assert credits.used("run-1") == {"caption": 1200}
    assert credits.used_by(["run-1", "run-2"]) == {"run-1": 1200}


def test_what_did_not_happen_costs_nothing(account: Account) -> None:
    credits.grant(ME, AT, account, 5000, "g")
    credits.reserve(AT, account.pk, 3000, ONE)
    credits.release(AT, ONE)
    credits.release(AT, ONE)
    assert held(account) == (5000, 0)
    with pytest.raises(IllegalMove, match="closed already"):
        credits.settle(AT, ONE, 1)
    with pytest.raises(NotFound):
        credits.settle(AT, Purpose("run-1", "caption", "photo:2"), 1)


def test_more_than_there_is_cannot_be_reserved_and_leaves_nothing(account: Account) -> None:
    credits.grant(ME, AT, account, 1000, "g")
    with pytest.raises(Refused) as caught:
        credits.reserve(AT, account.pk, 1001, ONE)
    assert caught.value.code == "insufficient_credits"
    assert held(account) == (1000, 0)
    assert CreditEntry.objects.count() == 1
    assert CreditUse.objects.count() == 0


def test_work_that_cost_more_than_there_was_takes_what_there_is_and_says_so(account: Account) -> None:
    credits.grant(ME, AT, account, 1500, "g")
    credits.reserve(AT, account.pk, 1000, ONE)
    entry = credits.settle(AT, ONE, 9000)
    assert held(account) == (0, 0)
    assert entry.note == "7.5 more than there was"
    assert examine() == []


def test_the_database_itself_refuses_a_negative_balance(account: Account) -> None:
    credits.grant(ME, AT, account, 1000, "g")
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditBalance.objects.update(available=-1)


@pytest.mark.parametrize("verb", ["grant", "reserve", "settle", "release"])
@pytest.mark.parametrize("side", ["before_commit", "after_commit"])
def test_a_verb_that_is_killed_and_repeated_counts_once(account: Account, verb: str, side: str) -> None:
    verbs = {
        "grant": lambda: credits.grant(ME, AT, account, 4000, "h"),
        "reserve": lambda: credits.reserve(AT, account.pk, 700, Purpose("r", "s", "2")),
        "settle": lambda: credits.settle(AT, ONE, 300),
        "release": lambda: credits.release(AT, ONE),
    }
    credits.grant(ME, AT, account, 5000, "g")
    credits.reserve(AT, account.pk, 1000, ONE)
    with pytest.raises(SimulatedCrash), armed(f"credits.{verb}.{side}=crash"):
        verbs[verb]()
    verbs[verb]()
    wanted = {"grant": (8000, 1000), "reserve": (3300, 1700), "settle": (4700, 0), "release": (5000, 0)}
    assert held(account) == wanted[verb]
    assert examine() == []


def test_many_who_reserve_at_once_never_have_more_than_there_is(account: Account) -> None:
    credits.grant(ME, AT, account, 10_000, "g")
    won: list[int] = []

    def reserve(n: int) -> None:
        try:
            credits.reserve(AT, account.pk, 1000, Purpose("run", "stage", str(n)))
            won.append(n)
        except Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=reserve, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 10
    assert held(account) == (0, 10_000)
    assert examine() == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["grant", "reserve", "settle", "release"]), st.integers(0, 3), st.integers(1, 3000)),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_in_whatever_order_the_books_balance(account: Account, steps: Any) -> None:
    for model in (CreditEntry, CreditBalance, CreditUse):
        model.objects.all().delete()
    for verb, n, amount in steps:
        purpose = Purpose("run", "stage", str(n))
        try:
            match verb:
                case "grant":
                    credits.grant(ME, AT, account, amount, f"{n}-{amount}")
                case "reserve":
                    credits.reserve(AT, account.pk, amount, purpose)
                case "settle":
                    credits.settle(AT, purpose, amount)
                case "release":
                    credits.release(AT, purpose)
        except (Refused, NotFound, IllegalMove):
            continue
    assert min(held(account)) >= 0
    assert [one for one in examine() if one.invariant == "I13"] == []


@pytest.mark.parametrize(("text", "amount"), [("12.5", 12500), ("1", 1000), ("0.001", 1), ("1e2", 100_000)])
def test_credits_are_read_as_they_are_typed(text: str, amount: int) -> None:
    assert credits.parsed(text) == amount


@pytest.mark.parametrize("text", ["", "x", "0.0001", "nan", "inf", "1,5"])
def test_what_is_no_number_of_credits_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        credits.parsed(text)


@pytest.mark.parametrize("amount", [0, -1, credits.MOST + 1])
def test_an_amount_is_more_than_nothing_and_not_absurd(account: Account, amount: int) -> None:
    with pytest.raises(UsageError):
        credits.grant(ME, AT, account, amount, "g")
