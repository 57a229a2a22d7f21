"""Credits: an append-only ledger per account. What can be spent never falls below nothing, whoever asks at once.

Amounts are whole thousandths of a credit. Every verb may be repeated with its key and then changes nothing; all of
them join the caller's transaction, so that a claim reserves and a settle charges in the transaction that they are of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, Sum

from penstock.accounts import audit
from penstock.accounts.access import Caller
from penstock.accounts.models import Account, CreditBalance, CreditEntry, CreditUse
from penstock.accounts.tx import commits, write
from penstock.engine.errors import IllegalMove, NotFound, Refused, UsageError

commits("credits.grant", "credits.reserve", "credits.settle", "credits.release")

CREDIT = 1000  # thousandths
MOST = 10**12  # thousandths in one entry


@dataclass(frozen=True)
class Purpose:
    """What credits are for: each (run, item, stage, version) is charged at most once."""

    run: str
    stage: str
    item: str
    version: str = "1"

    @property
    def key(self) -> str:
        """Unique to it."""
        return f"{self.run}/{self.item}/{self.stage}/{self.version}"


def balance(account: int) -> CreditBalance:
    """What the account has; nothing when it never had anything."""
    return CreditBalance.objects.filter(account=account).first() or CreditBalance(account_id=account)


def grant(caller: Caller, at: datetime, account: Account, amount: int, key: str, note: str = "") -> CreditEntry:
    """Give credits to an account, once per `key`. Raises UsageError for a key that granted another amount."""
    _check(amount)
    with write("credits.grant"):
        done = CreditEntry.objects.filter(kind="grant", key=key).first()
        if done is not None:
            if (done.account_id, done.available) != (account.pk, amount):
                raise UsageError(f"the grant {key[:60]!r} was another one; choose a new key")
            return done
        _move(account.pk, amount, 0)
        audit.note(at, caller, "credits.grant", account.name, account=account.pk, amount=shown(amount), key=key)
        return _enter("grant", account.pk, key, amount, 0, at, caller.name, note=note[:200])


def reserve(at: datetime, account: int, amount: int, purpose: Purpose) -> CreditEntry:
    """Hold credits for a piece of work. Raises Refused (`insufficient_credits`) when there are not so many."""
    _check(amount)
    with write("credits.reserve"):
        done = CreditEntry.objects.filter(kind="reserve", key=purpose.key).first()
        if done is not None:
            return done
        _move(account, -amount, amount)
        _use(purpose.run, purpose.stage, held=amount)
        return _enter("reserve", account, purpose.key, -amount, amount, at, purpose=purpose)


def settle(at: datetime, purpose: Purpose, amount: int) -> CreditEntry:
    """Charge what the work cost instead of what was reserved; the rest is free again. It never costs more than the
    account has: what is beyond that is told in the entry's note."""
    with write("credits.settle"):
        held, done = _held(purpose, "settle")
        if done is not None:
            return done
        free = balance(held.account_id).available
        charged = max(0, min(amount, held.reserved + free))
        _move(held.account_id, held.reserved - charged, -held.reserved)
        _use(purpose.run, purpose.stage, used=charged, held=-held.reserved)
        note = f"{shown(amount - charged)} more than there was" if amount > charged else ""
        back = held.reserved - charged
        return _enter("settle", held.account_id, purpose.key, back, -held.reserved, at, purpose=purpose, note=note)


def release(at: datetime, purpose: Purpose) -> CreditEntry:
    """Give back what was reserved: the work did not happen."""
    with write("credits.release"):
        held, done = _held(purpose, "release")
        if done is not None:
            return done
        _move(held.account_id, held.reserved, -held.reserved)
        _use(purpose.run, purpose.stage, held=-held.reserved)
        return _enter("release", held.account_id, purpose.key, held.reserved, -held.reserved, at, purpose=purpose)


def used(run: str) -> dict[str, int]:
    """Stage → what it has cost the run so far."""
    return dict(CreditUse.objects.filter(run=run).values_list("stage", "used"))


def used_by(runs: list[str]) -> dict[str, int]:
    """Run → what it has cost so far, in one read."""
    found = CreditUse.objects.filter(run__in=runs).values_list("run").annotate(total=Sum("used"))
    return dict(found)


def parsed(text: str) -> int:
    """Credits as typed ("12.5") in thousandths. Raises UsageError."""
    try:
        number = Decimal(text) * CREDIT
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError):
        raise UsageError(f"{text[:40]!r} is no number of credits") from None
    if number != whole:
        raise UsageError(f"{text[:40]!r}: credits have at most three decimals")
    return whole


def shown(amount: int) -> float:
    """Thousandths as credits."""
    return amount / CREDIT


def _check(amount: int) -> None:
    if not 0 < amount <= MOST:
        raise UsageError(f"an amount is more than nothing and at most {MOST // CREDIT:,} credits")


def _held(purpose: Purpose, kind: str) -> tuple[CreditEntry, CreditEntry | None]:
    """The reservation, and what closed it if that was the same verb. Raises IllegalMove when it was the other one."""
    held = CreditEntry.objects.filter(kind="reserve", key=purpose.key).first()
    if held is None:
        raise NotFound(f"nothing was reserved for {purpose.key}")
    CreditBalance.objects.select_for_update().get(account=held.account_id)
    done = CreditEntry.objects.filter(closes=purpose.key).first()
    if done is not None and done.kind != kind:
        raise IllegalMove(f"the reservation for {purpose.key} is closed already ({done.kind})")
    return held, done


def _move(account: int, available: int, reserved: int) -> None:
    """One guarded UPDATE decides whether there is enough."""
    CreditBalance.objects.get_or_create(account_id=account)
    enough = CreditBalance.objects.filter(account=account, available__gte=-available, reserved__gte=-reserved)
    if enough.update(available=F("available") + available, reserved=F("reserved") + reserved) != 1:
        has = shown(balance(account).available)
        needed = shown(-available)
        raise Refused(
            f"not enough credits: {needed:g} are needed, the account has {has:g}",
            code="insufficient_credits",
            facts={"estimated_credits": needed, "current_balance": has},
        )


def _use(run: str, stage: str, *, used: int = 0, held: int = 0) -> None:
    CreditUse.objects.get_or_create(run=run, stage=stage)
    CreditUse.objects.filter(run=run, stage=stage).update(used=F("used") + used, held=F("held") + held)


def _enter(
    kind: str,
    account: int,
    key: str,
    available: int,
    reserved: int,
    at: datetime,
    who: str = "",
    *,
    purpose: Purpose | None = None,
    note: str = "",
) -> CreditEntry:
    of: dict[str, Any] = {"run": purpose.run, "stage": purpose.stage, "item": purpose.item} if purpose else {}
    closes = key if kind in ("settle", "release") else None
    return CreditEntry.objects.create(
        account_id=account, kind=kind, key=key, closes=closes, available=available, reserved=reserved, at=at,
        who=who[:100], note=note, **of,
    )  # fmt: skip
