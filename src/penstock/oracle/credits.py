"""I13: an account's balance is the sum of its entries and never negative; runs that are over hold nothing reserved."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.accounts.models import Account, CreditBalance, CreditEntry, CreditUse
from penstock.engine.states import TERMINAL_RUN
from penstock.ledger.models import Run
from penstock.ledger.rows import marks, quoted
from penstock.oracle.violation import Look, Violation, ask

MEND = "penstock db backup FILE, and report it: credits were moved past their ledger"


def check(look: Look) -> Iterator[Violation]:
    """Accounts are looked at whole, whichever of their sites is asked about."""
    yield from _balances(look)
    yield from _uses()
    yield from _left_over(look)


def _balances(look: Look) -> Iterator[Violation]:
    only = "" if look.site is None else f"WHERE a.id={int(look.site.account_id)}"
    entry, balance = quoted(CreditEntry), quoted(CreditBalance)
    sql = f"""SELECT a.name, COALESCE(b.available, 0), COALESCE(b.reserved, 0),
        (SELECT COALESCE(SUM(e.available), 0) FROM {entry} e WHERE e.account_id=a.id),
        (SELECT COALESCE(SUM(e.reserved), 0) FROM {entry} e WHERE e.account_id=a.id)
        FROM {quoted(Account)} a LEFT JOIN {balance} b ON b.account_id=a.id {only} ORDER BY a.id"""
    for name, available, reserved, told, held in ask(sql):
        if (available, reserved) != (told, held):
            detail = f"it has {available} and {reserved} reserved, its entries say {told} and {held} (thousandths)"
            yield Violation("I13", f"account {name}", detail, MEND)
        if available < 0 or reserved < 0:
            yield Violation("I13", f"account {name}", f"it has {available} and {reserved} reserved", MEND)


def _uses() -> Iterator[Violation]:
    entry, use = quoted(CreditEntry), quoted(CreditUse)
    sql = f"""SELECT u.run, u.stage, u.used, u.held, COALESCE(SUM(e.reserved), 0), COALESCE(SUM(e.available), 0)
        FROM {use} u LEFT JOIN {entry} e ON e.run=u.run AND e.stage=u.stage
        GROUP BY u.run, u.stage, u.used, u.held
        HAVING u.held<>COALESCE(SUM(e.reserved), 0) OR u.used+u.held<>-COALESCE(SUM(e.available), 0)"""
    for run, stage, used, held, reserved, available in ask(sql):
        detail = f"stage {stage} says {used} used and {held} held, its entries moved {available} and {reserved}"
        yield Violation("I13", f"run {run}", detail, MEND)


def _left_over(look: Look) -> Iterator[Violation]:
    over = [state.value for state in TERMINAL_RUN]
    sql = f"""SELECT r.id, u.stage, u.held FROM {quoted(CreditUse)} u JOIN {quoted(Run)} r ON r.id=u.run
        WHERE u.held<>0 AND r.status IN ({marks(over)}) AND {look.only("r.site_id")} ORDER BY r.id"""
    for run, stage, held in ask(sql, over):
        yield Violation("I13", f"run {run}", f"it is over, but stage {stage} holds {held} thousandths reserved", MEND)
