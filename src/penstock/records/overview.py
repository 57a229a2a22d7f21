"""A run as plain data, from its counters only: what `status`, the console and JSON readers are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q

from penstock.engine.states import ACTIVE, BROKEN, ItemState, RunState
from penstock.ledger import rows
from penstock.ledger.models import Run, StageRun

BESIDE = ("delivery", "regeneration")  # tables of work beside a site's runs
STATES = tuple(state.value for state in ItemState)
_BROKEN = [state.value for state in BROKEN]


@dataclass(frozen=True)
class Cause:
    """Why items of a run broke: how many share this code and reason at this stage, and one of them."""

    stage: str
    code: str
    reason: str
    n: int
    example: int
    table: str


def run_view(run: Run) -> dict[str, Any]:
    """The run in the shape that `docs/commands.md` promises. `seconds` is working time summed over items;
    `current_stage` is the lowest stage with unfinished items, or the last."""
    stages = list(StageRun.objects.filter(run=run).order_by("number"))
    return {
        "run_id": run.id,
        "site": run.site.name,
        "pipeline": run.pipeline,
        "status": run.status,
        "current_stage": current_number(stages),
        "stages": [_stage_view(stage) for stage in stages],
        "items": _items(stages),
        "error_message": run.error_message,
    }


def _stage_view(stage: StageRun) -> dict[str, Any]:
    return {
        "number": stage.number,
        "name": stage.name,
        "title": stage.title,
        "done": stage.passed,
        "failed": stage.failed,
        "quarantined": stage.quarantined,
        "pending": stage.ready + stage.leased,
        "seconds": round(stage.seconds, 3),
    }


def current_number(stages: Sequence[StageRun]) -> int:
    """The lowest stage with unfinished items, or the last."""
    busy = [stage.number for stage in stages if stage.ready + stage.leased]
    return min(busy) if busy else max((stage.number for stage in stages), default=0)


def _items(stages: list[StageRun]) -> dict[str, int]:
    """State → items, without the rows that an earlier stage turned into others and is done with."""
    last = _last_table(stages)
    totals: Counter[str] = Counter()
    for stage in stages:
        for state in STATES:
            if stage.table == last or state != ItemState.DONE:
                totals[state] += getattr(stage, state)
    return {state: n for state, n in totals.items() if n}


def _last_table(stages: list[StageRun]) -> str:
    return stages[-1].table if stages else ""


def unfinished(view: Mapping[str, Any]) -> int:
    """Items that work still has to be done on."""
    return sum(view["items"].get(state.value, 0) for state in ACTIVE)


def broken(view: Mapping[str, Any]) -> int:
    """Items that failed or were quarantined."""
    return sum(view["items"].get(state.value, 0) for state in BROKEN)


def headline(view: Mapping[str, Any]) -> str:
    """The run in one sentence."""
    parts = [f"{n:,} {_WORDS[state]}" for state, n in view["items"].items()]
    counts = ", ".join(parts) or "no items"
    reason = f" ({view['error_message']})" if view["error_message"] else ""
    return f"Run {view['run_id']} of {view['site']} is {view['status']}{reason}: {counts}"


_WORDS = {
    "ready": "to do",
    "leased": "in work",
    "waiting": "waiting for review",
    "approved": "approved",
    "rejected": "rejected",
    "done": "done",
    "failed": "failed",
    "quarantined": "quarantined",
}


def causes(run: Run) -> list[Cause]:
    """Why items broke, the most frequent cause first. Only the stages whose counters say so are looked at."""
    groups: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for stage in StageRun.objects.filter(Q(failed__gt=0) | Q(quarantined__gt=0), run=run):
        broken = rows.model_of(stage.table).objects.filter(run=run.id, stage=stage.name, state__in=_BROKEN)
        found = broken.order_by().values_list("error_code", "error").annotate(n=Count("id"), first=Min("id"))
        for code, reason, n, first in found:
            key = (stage.table, stage.name, code, _general(reason))
            before, lowest = groups.get(key, (0, first))
            groups[key] = before + n, min(lowest, first)
    listed = [Cause(stage, code, why, n, first, table) for (table, stage, code, why), (n, first) in groups.items()]
    return sorted(listed, key=lambda cause: (-cause.n, cause.stage, cause.code))


def _general(reason: str) -> str:
    """The first sentence of a reason, short enough to group and to show."""
    first = " ".join(reason.split()).partition("; ")[0]
    return first[:160]


def site_items(site_id: int) -> dict[tuple[str, str, str], int]:
    """(table, stage, state) → rows of a site, from its counters."""
    from penstock.ledger.models import SiteCounter

    found = SiteCounter.objects.filter(site_id=site_id, n__gt=0)
    return {(one.table, one.stage, one.state): one.n for one in found}


def at_rest(run: Run) -> bool:
    """Whether nothing more happens to the run without a person."""
    return run.status != RunState.RUNNING
