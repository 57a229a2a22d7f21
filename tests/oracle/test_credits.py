from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from penstock.accounts import credits
from penstock.accounts.access import Caller
from penstock.accounts.credits import Purpose
from penstock.oracle import examine
from tests.oracle.scene import RUN

AT = datetime(2026, 11, 25, tzinfo=UTC)


def spent(scene: Any) -> None:
    from penstock.ledger.models import Run

    account = Run.objects.select_related("site__account").get(id=RUN).site.account
    credits.grant(Caller("root"), AT, account, 5000, "g")
    credits.reserve(AT, account.pk, 1000, Purpose(RUN, "caption", "1"))
    credits.settle(AT, Purpose(RUN, "caption", "1"), 400)


def told() -> set[tuple[str, str]]:
    return {(one.invariant, one.subject) for one in examine()}


def test_books_that_balance_are_good_news(scene: Any) -> None:
    spent(scene)
    assert told() == set()


def test_a_balance_that_is_not_the_sum_of_its_entries_is_told(scene: Any) -> None:
    spent(scene)
    scene.sql("UPDATE accounts_creditbalance SET available=available+1")
    assert {invariant for invariant, _ in told()} == {"I13"}


def test_a_use_that_its_entries_do_not_tell_of_is_told(scene: Any) -> None:
    spent(scene)
    scene.sql("UPDATE accounts_credituse SET used=used+1")
    assert told() == {("I13", f"run {RUN}")}


def test_a_run_that_is_over_and_holds_credits_is_told(scene: Any) -> None:
    spent(scene)
    from penstock.accounts.models import Account

    credits.reserve(AT, Account.objects.get().pk, 100, Purpose(RUN, "caption", "2"))
    assert told() == {("I13", f"run {RUN}")}
