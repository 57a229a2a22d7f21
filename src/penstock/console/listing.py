"""Which rows the review page shows, in which order, and how many there are of each status."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from penstock.accounts.models import Site
from penstock.console.scorewords import SCORE_NAMES
from penstock.engine.errors import NotFound
from penstock.ledger.models import SiteCounter
from penstock.ledger.rows import model_of, read
from penstock.review.gate import Gate, gate_of

PER_PAGE = 50
STATUSES = ("Pending", "Approved", "Published", "Rejected", "Error", "Queued")
QC = ("Top", "Good", "Average", "Low", "Very Low", "ScoringFailed", "ResizeFailed", "PrefillNativeCrash")
SEARCHED = ("File_Name", "Caption", "alt_text", "Keywords", "Subject", "Location", "Original_File_Name")
REVIEWED = {"photos": "photo"}  # pipeline → the table whose rows are decided

ANY, CHANGED, HOLD = "any", "changed", "hold"
SCORED = {"QR": "Quality rating", **SCORE_NAMES}  # what may be filtered by a range
WEAK = ("Low", "Very Low")


@dataclass(frozen=True)
class Filters:
    """What the address of a list says."""

    status: str = STATUSES[0]
    folder: str = ""
    qc: str = ""
    flag: str = ""
    q: str = ""
    page: int = 1
    set: int = 0
    score: str = ""
    low: str = ""
    high: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """From an address; what makes no sense is left out."""
        plain = {name: _clean(given.get(name, "")) for name in ("folder", "qc", "flag", "q")}
        status, score = given.get("status", ""), given.get("score", "")
        return cls(
            status=status if status in STATUSES else STATUSES[0],
            page=_number(given.get("page", "")) or 1,
            set=_number(given.get("set", "")),
            score=score if score in SCORED else "",
            low=_limit(given.get("low", "")),
            high=_limit(given.get("high", "")),
            **plain,
        )

    @property
    def narrow(self) -> bool:
        """Whether more than the status is chosen."""
        return any((self.folder, self.qc, self.flag, self.q, self.set, self.low, self.high))

    def address(self, **other: Any) -> str:
        """The part of the address after `?`, with other values where given."""
        chosen = asdict(replace(self, **other))
        return urlencode({key: value for key, value in chosen.items() if value and (key, value) != ("page", 1)})


@dataclass(frozen=True)
class Listing:
    """One page of rows of a site."""

    site: Site
    filters: Filters

    @cached_property
    def gate(self) -> Gate:
        """The gate of the site's reviewed table. Raises NotFound for a pipeline without one."""
        table = REVIEWED.get(self.site.pipeline)
        if table is None:
            raise NotFound(f"site {self.site.name} runs {self.site.pipeline}, which has nothing to review here yet")
        return gate_of(table)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Status → rows of the site, from its counters."""
        return status_counts(self.site, self.gate)

    @cached_property
    def total(self) -> int:
        """How many rows the filters leave."""
        return self._found.count() if self.filters.narrow else max(self.counts[self.filters.status], 0)

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PER_PAGE))

    @property
    def start(self) -> int:
        """How many rows come before this page; an address beyond the last page shows the last."""
        return (min(self.filters.page, self.pages) - 1) * PER_PAGE

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of this page, riskiest first."""
        return read(self.gate.table, self.ids(self.start, PER_PAGE))  # apart, so that whole rows are not sorted

    def ids(self, start: int, most: int) -> list[int]:
        """Rows that the filters leave: flagged ones first, then weak pictures and texts that the rules changed, then
        the rest; each as they were taken in."""
        plain = Q(changes=[]) & ~Q(QC_Status__in=WEAK)
        risk = Case(When(~Q(flags=[]) | Q(near_group__isnull=False), then=Value(0)), When(plain, then=Value(2)),
                    default=Value(1))  # fmt: skip
        ordered = self._found.annotate(risk=risk).order_by("risk", "ordinal", "id")
        return list(ordered[start : start + most].values_list("id", flat=True))

    @property
    def _found(self) -> QuerySet[Any]:
        f = self.filters
        found = model_of(self.gate.table).objects.filter(site=self.site, Review_Status=f.status)
        if f.folder:
            found = found.filter(Folder=f.folder)
        if f.qc:
            found = found.filter(QC_Status=f.qc)
        if f.q:
            found = found.filter(_mentions(f.q))
        if f.set:
            found = found.filter(set=f.set)
        if f.low:
            found = found.filter(**{f"{f.score or 'QR'}__gte": float(f.low)})
        if f.high:
            found = found.filter(**{f"{f.score or 'QR'}__lte": float(f.high)})
        return _flagged(found, f.flag) if f.flag else found


def status_counts(site: Site, gate: Gate) -> dict[str, int]:
    """Status → rows of the site, from its counters; every status is there."""
    counts: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
    for one in SiteCounter.objects.filter(site=site, table=gate.table, n__gt=0):
        counts[gate.words(gate.table, one.stage, one.state)["Review_Status"]] += one.n
    return dict(counts)


def _mentions(text: str) -> Q:
    found = Q()
    for name in SEARCHED:
        found |= Q(**{f"{name}__icontains": text})
    return found


def _flagged(found: QuerySet[Any], flag: str) -> QuerySet[Any]:
    if flag == HOLD:
        return found.filter(hold=True)
    if flag == CHANGED:
        return found.exclude(changes=[])
    if flag == ANY:
        return found.exclude(flags=[], near_group=None)
    # The list as text: JSON containment is not the same on every database, and a flag is one quoted word.
    return found.annotate(flag_text=Cast(F("flags"), TextField())).filter(flag_text__contains=f'"{flag}"')


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).strip()[:100]


def _number(text: str) -> int:
    """A small positive number as an address holds it; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _limit(text: str) -> str:
    """One end of a range, as it was typed, when it is a number."""
    found = re.fullmatch(r"\d{1,3}([.,]\d{1,2})?", text.strip())
    return found[0].replace(",", ".") if found else ""
