"""How the home is: what works on it, what it stores, what it keeps and for how long, which versions run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from penstock import __version__
from penstock.accounts.access import sites_of
from penstock.accounts.models import Site
from penstock.console.commands import Way
from penstock.console.roles import signed_in
from penstock.console.when import when
from penstock.engine.clock import Clock, SystemClock
from penstock.ledger import lock, retention
from penstock.ledger.models import Batch, Run, Schedule
from penstock.records.incident import versions

CLOCK: Clock = SystemClock()
MOST = 20_000  # files of a folder that are counted
RUNS = 20  # runs past the rule that are looked at
FOLDERS = ("logs", "runs", "incoming", "staged", "data", ".work")
WAYS = [
    Way("Check everything stored", "penstock doctor"),
    Way("Back up", "penstock db backup FILE"),
    Way("Is it alive", "curl http://127.0.0.1:8420/healthz", "GET /healthz"),
    Way("Is it ready", "curl http://127.0.0.1:8420/readyz", "GET /readyz"),
    Way("Measurements", "curl -H 'Authorization: Bearer TOKEN' http://127.0.0.1:8420/metrics", "GET /metrics"),
]


@dataclass(frozen=True)
class Size:
    """What a folder holds. `whole` is false when there was more than was counted."""

    name: str
    files: int
    bytes: int
    whole: bool


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Only sites that the caller reaches; paths of this machine only for who started the program."""
    caller = signed_in(request)
    sites, config = list(sites_of(caller)), settings.PENSTOCK
    free = shutil.disk_usage(config.home)
    context = {
        "served": lock.served(), "database": _database(), "size": _of_database(), "local": caller.user is None,
        "home": config.home, "free": free.free, "low": free.free < 2 * 2**30, "sites": [_site(one) for one in sites],
        "workers": _workers(sites), "rule": retention.Rule(config.keep_days, config.keep_runs),
        "old": _old(sites) if "old" in request.GET else None, "most": RUNS,
        "version": __version__, "versions": versions(), "ways": WAYS,
        "slots": config.lanes, "lease": config.lease_seconds,
    }  # fmt: skip
    return render(request, "console/health.html", context)


def _database() -> str:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            return str(connection.vendor)
        cursor.execute("PRAGMA journal_mode")
        return f"SQLite, journal {cursor.fetchone()[0]}"


def _of_database() -> int:
    place = Path(settings.PENSTOCK.database)
    files = [place, *(place.with_name(place.name + end) for end in ("-wal", "-journal"))]
    return sum(file.stat().st_size for file in files if file.is_file())


def _site(site: Site) -> dict[str, Any]:
    sizes = [one for name in FOLDERS if (one := measure(site.root / name)).files]
    planned = Schedule.objects.filter(site=site).first()
    open_run = lock.holding(site)
    return {
        "site": site, "sizes": sizes, "total": sum(size.bytes for size in sizes), "run": open_run,
        "next": when(planned.next_run_at, site) if planned else "", "runs": Run.objects.filter(site=site).count(),
    }  # fmt: skip


def measure(folder: Path) -> Size:
    """Files and bytes below a folder, up to MOST files; what goes meanwhile is left out."""
    files = total = 0
    found = islice(_walk(folder), MOST + 1)
    for size in found:
        files, total = files + 1, total + size
    return Size(folder.name, min(files, MOST), total, files <= MOST)


def _walk(folder: Path) -> Any:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue


def _workers(sites: list[Site]) -> list[dict[str, Any]]:
    """Who holds batches of these sites."""
    held = Batch.objects.select_related("run__site").filter(open=True, run__site__in=sites).order_by("-id")[:100]
    found: dict[str, dict[str, Any]] = {}
    for batch in held:
        one = found.setdefault(batch.holder, {"holder": batch.holder, "batches": 0, "items": 0, "runs": set()})
        one["batches"] += 1
        one["items"] += batch.size
        one["runs"].add(batch.run_id)
        one.setdefault("beat", when(batch.run.heartbeat_at, batch.run.site))
    return list(found.values())


def _old(sites: list[Site]) -> list[dict[str, Any]]:
    """Runs that are past the rule, and why those stay that are needed."""
    rule = retention.Rule(settings.PENSTOCK.keep_days, settings.PENSTOCK.keep_runs)
    mine = {site.pk for site in sites}
    past = [run for run in retention.old(rule, CLOCK.wall()) if run.site_id in mine]
    return [{"run": run, "why": retention.needed(run)} for run in past[:RUNS]]
