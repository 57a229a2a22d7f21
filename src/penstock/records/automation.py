"""Runs, stages and what is being worked on, in the shapes of the automation API. Counters only, never a scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from penstock.accounts import credits
from penstock.accounts.models import Site
from penstock.engine import PIPELINES
from penstock.engine.clock import Clock
from penstock.engine.pipeline import Pipeline, Stage
from penstock.engine.states import ItemState, RunState
from penstock.ledger import lock, rows, schedule
from penstock.ledger.models import Batch, Run, StageRun
from penstock.records import RESULTS, TITLES
from penstock.records.overview import current_number, site_items

HISTORY = 20
SHOWN = 50  # items under way
KIND = "run"
_TIMES = ("started_at", "paused_at", "resumed_at", "cancelled_at", "completed_at")


def run_facts(run: Run, clock: Clock) -> dict[str, Any]:
    """A run with its stage results."""
    stages, used = list(StageRun.objects.filter(run=run).order_by("number")), credits.used(run.id)
    facts = _facts(run, stages, sum(used.values()), lock.interrupted(run, clock))
    extra = RESULTS.get(run.pipeline)
    for stage in stages:
        result = _result(stage, used.get(stage.name, 0))
        if result is not None and extra is not None:
            result |= extra(stage)
        facts[f"stage_{stage.number}_result"] = result
    return facts


def current_run(site: Site, clock: Clock) -> dict[str, Any] | None:
    """The running or paused run of the site."""
    run = lock.holding(site)
    return None if run is None else run_facts(_of(run, site), clock)


def history(site: Site, clock: Clock) -> list[dict[str, Any]]:
    """The last runs, newest first, without their stage results."""
    found = Run.objects.filter(site=site, kind=KIND).order_by("-started_at", "-id").defer("plan")
    runs = [_of(run, site) for run in found[:HISTORY]]
    ids = [run.id for run in runs]
    used, stages = credits.used_by(ids), dict[str, list[StageRun]]()
    counted = StageRun.objects.filter(run__in=ids).only("run", "number", "ready", "leased")
    for stage in counted.order_by("number"):
        stages.setdefault(stage.run_id, []).append(stage)
    return [_facts(run, stages.get(run.id, []), used.get(run.id, 0), lock.interrupted(run, clock)) for run in runs]


def _of(run: Run, site: Site) -> Run:
    """The site is known: it need not be read again."""
    run.site = site
    return run


def _facts(run: Run, stages: Sequence[StageRun], used: int, interrupted: bool) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "site_id": run.site_id,
        "pipeline": run.pipeline,
        "trigger_type": "scheduled" if run.trigger == "scheduled" else "manual",
        "status": str(run.status),
        "current_stage": max(1, current_number(stages)),
        **{name: schedule.local(getattr(run, name), run.site) for name in _TIMES},
        "interrupted": interrupted,
        "total_credits_used": credits.shown(used),
        "error_message": run.error_message,
    }


def _result(stage: StageRun, used: int) -> dict[str, Any] | None:
    """What a stage has done so far; None before it starts. What is under way makes it partial."""
    told = dict(stage.result)
    if stage.started_at is None and not told.get("skipped"):
        return None
    lasted = (stage.ended_at - stage.started_at).total_seconds() if stage.ended_at and stage.started_at else 0.0
    return {
        "batches_run": stage.batches,
        "credits_used": credits.shown(used),
        "time_elapsed": round(max(0.0, lasted), 3),
        "skipped": False,
        "skip_reason": "",
        "partial": stage.ready + stage.leased > 0,
        "failed": stage.failed,
        "quarantined": stage.quarantined,
        **told,
    }


def pipeline_overview(site: Site) -> dict[str, Any]:
    """The stages of the site's pipeline with how many rows are where."""
    run, counts = lock.holding(site), site_items(site.pk)
    pipeline = _pipeline(site, run)
    stages = [_stage(pipeline, stage, counts) for stage in pipeline.stages]
    return {"site_id": site.pk, "pipeline": site.pipeline, "run_id": run.id if run else None, "stages": stages}


def _pipeline(site: Site, run: Run | None) -> Pipeline:
    """As the open run has it, else as the next one would."""
    plan = site.settings if run is None else run.plan
    return PIPELINES[site.pipeline](Run(site=site, pipeline=site.pipeline, plan=plan))


def _stage(pipeline: Pipeline, stage: Stage, counts: dict[tuple[str, str, str], int]) -> dict[str, Any]:
    here = {state: n for (table, name, state), n in counts.items() if (table, name) == (stage.takes, stage.name)}
    words: dict[str, int] = {}
    for state, n in sorted(here.items()):
        word = _word(pipeline, stage, state)
        words[word] = words.get(word, 0) + n
    due = ("ready", "leased", "waiting") if stage.gate else ("ready", "leased")
    return {
        "number": stage.number,
        "name": stage.name,
        "title": stage.title,
        "kind": "manual" if stage.gate else "ai" if stage.lane.partition(":")[0] in ("model", "gpu") else "local",
        "pending": sum(here.get(state, 0) for state in due),
        "counts": words,
    }


def _word(pipeline: Pipeline, stage: Stage, state: str) -> str:
    """The seeds' word for it, where the pipeline has one."""
    told = pipeline.status(stage.takes, stage.name, state) if pipeline.status else {}
    return str(told.get("status", state))


def current_processing(run: Run, clock: Clock) -> dict[str, Any] | None:
    """What is being worked on right now; None when the run is not running."""
    if run.status != RunState.RUNNING:
        return None
    stages = list(StageRun.objects.filter(run=run).order_by("number"))
    at_work = next((stage for stage in stages if stage.leased), None)
    stage = at_work or next((one for one in stages if one.ready), stages[-1] if stages else None)
    if stage is None:
        return None
    left = sum(one.ready + one.leased for one in stages if one.number <= stage.number)
    settled = stage.passed + stage.failed + stage.quarantined
    rate = _rate(stage, settled, clock.wall())
    return {
        "run_id": run.id,
        "stage": stage.number,
        "stage_name": stage.name,
        "processed": settled,
        "total": settled + left,
        "items": _items(run, stage, clock) if stage.leased else [],
        "rate_per_minute": round(rate, 2),
        "eta_seconds": round(left / rate * 60) if rate else None,
    }


def _rate(stage: StageRun, settled: int, now: datetime) -> float:
    """Items per minute since the stage began."""
    if stage.started_at is None or not settled:
        return 0.0
    return settled * 60 / max(1.0, (now - stage.started_at).total_seconds())


def _items(run: Run, stage: StageRun, clock: Clock) -> list[dict[str, Any]]:
    column, read = TITLES.get(stage.table, ("id", str))
    held = rows.model_of(stage.table).objects.filter(run=run.id, stage=stage.name, state=ItemState.LEASED)
    found = list(held.order_by("ordinal", "id").values_list("id", "batch", column)[:SHOWN])
    since = _since({batch for _, batch, _ in found})
    now, at = clock.monotonic(), clock.wall()
    items = []
    for item, batch, title in found:
        seconds = max(0.0, now - since.get(batch, now))
        begun = schedule.local(at - timedelta(seconds=seconds), run.site)
        items.append({"id": item, "title": read(title), "started_at": begun, "seconds": round(seconds, 1)})
    return items


def _since(batches: Iterable[int | None]) -> dict[int, float]:
    return dict(Batch.objects.filter(id__in=[one for one in batches if one]).values_list("id", "since"))
