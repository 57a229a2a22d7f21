"""What a run would cost, and whether the account can bear it."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.accounts import credits
from penstock.accounts.models import Site
from penstock.engine.errors import Refused
from penstock.ledger import ESTIMATES


@dataclass(frozen=True)
class Estimate:
    """In thousandths of a credit. Sufficient is a balance of 1.2 times the estimate."""

    estimated: int
    balance: int

    @property
    def sufficient(self) -> bool:
        """Whether a run may start."""
        return self.balance * 5 >= self.estimated * 6


def estimate(site: Site) -> Estimate:
    """For the site's backlog as it is now. A pipeline that registers no estimate costs nothing."""
    reckon = ESTIMATES.get(site.pipeline)
    return Estimate(reckon(site) if reckon else 0, credits.balance(site.account_id).available)


def refuse_unpayable(site: Site) -> None:
    """Raise Refused (`insufficient_credits`) with the estimate when the account has less than 1.2 times of it."""
    found = estimate(site)
    if not found.sufficient:
        cost, has = credits.shown(found.estimated), credits.shown(found.balance)
        raise Refused(
            f"not enough credits: a run of {site.name} is estimated at {cost:g} and needs 1.2 times that; "
            f"the account has {has:g}",
            code="insufficient_credits",
            facts={"estimated_credits": cost, "current_balance": has, "sufficient": False},
        )
