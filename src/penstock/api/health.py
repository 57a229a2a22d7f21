"""For those who watch: is it alive, is it ready, how does it stand (Prometheus)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from penstock import __version__
from penstock.accounts import access, credits
from penstock.api.callers import caller_of
from penstock.api.problems import answer
from penstock.ledger import lock
from penstock.ledger.models import Batch, Run, SiteCounter, Slot


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 as long as the program answers."""
    return JsonResponse({"ok": True, "version": __version__})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and somebody drives the runs, else 503 with what is missing."""
    checks = {"database": _database(), "driver": lock.served()}
    return JsonResponse({"ready": all(checks.values()), **checks}, status=200 if all(checks.values()) else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except DatabaseError:
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The sites that the caller reaches, in Prometheus' text format. A token is enough."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    caller = caller_of(request)
    if caller is None:
        return answer(401, "no_caller", "send a valid token: Authorization: Bearer …")
    registry = CollectorRegistry()
    registry.register(_Sites(caller))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Sites:
    """From counters; runs and slots are counted by index."""

    def __init__(self, caller: access.Caller) -> None:
        self._caller = caller

    def collect(self) -> Iterator[Any]:
        """Prometheus asks for this."""
        from prometheus_client.core import GaugeMetricFamily

        sites = list(access.sites_of(self._caller))
        names = {site.pk: site.name for site in sites}
        told = GaugeMetricFamily("penstock_items", "rows by place", labels=["site", "table", "stage", "state"])
        for one in SiteCounter.objects.filter(site__in=sites).order_by("site", "table", "stage", "state"):
            told.add_metric([names[one.site_id], one.table, one.stage, one.state], one.n)
        yield told
        for name, help_text, model, column in (
            ("penstock_runs", "runs by status", Run, "status"),
            ("penstock_slots", "due slots of schedules by outcome", Slot, "outcome"),
        ):
            told = GaugeMetricFamily(name, help_text, labels=["site", column])
            found = model.objects.filter(site__in=sites).order_by().values_list("site", column)
            for site, word, n in found.annotate(n=Count("pk")):
                told.add_metric([names[site], str(word)], n)
            yield told
        yield from self._rest(sites)

    def _rest(self, sites: list[Any]) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        open_batches = Batch.objects.filter(open=True, run__site__in=sites).count()
        yield GaugeMetricFamily("penstock_open_batches", "leases that are held", value=open_batches)
        yield GaugeMetricFamily("penstock_driver_up", "whether somebody drives the runs", value=float(lock.served()))
        told = GaugeMetricFamily("penstock_credits", "credits that an account can spend", labels=["account"])
        for account in {site.account for site in sites}:
            told.add_metric([account.name], credits.shown(credits.balance(account.pk).available))
        yield told
        told = GaugeMetricFamily("penstock_build", "1, with the version", labels=["version"])
        told.add_metric([__version__], 1)
        yield told
