"""The pipelines that the rows of a site go through, as far as they can be built now."""

from __future__ import annotations

from functools import cached_property

from penstock.accounts.models import Site
from penstock.engine import PIPELINES
from penstock.engine.pipeline import Pipeline, Stage
from penstock.ledger import models as m

DEATHS = Stage(0, "", "", "", "inline").deaths


class Known:
    """Stages by (site, table, name). Read once, used for one look."""

    def stage(self, site: int, table: str, name: str) -> Stage | None:
        """The stage, or None when no pipeline of the site has it."""
        return self._stages.get((site, table, name))

    def tables(self, site: int) -> set[str]:
        """Tables that some pipeline of the site takes."""
        return {table for of, table, _ in self._stages if of == site}

    def last(self, site: int, table: str) -> set[str]:
        """Names of the stages after which a row of the table is through."""
        return self._last.get((site, table), set())

    def deaths(self, site: int, table: str, name: str) -> int:
        """How many deaths set an item aside at a stage."""
        stage = self.stage(site, table, name)
        return stage.deaths if stage else DEATHS

    @cached_property
    def _stages(self) -> dict[tuple[int, str, str], Stage]:
        return {(site, s.takes, s.name): s for site, one in self._pipelines for s in one.stages}

    @cached_property
    def _last(self) -> dict[tuple[int, str], set[str]]:
        found: dict[tuple[int, str], set[str]] = {}
        for site, one in self._pipelines:
            for stage in one.stages:
                if one.after(stage) is None:
                    found.setdefault((site, stage.takes), set()).add(stage.name)
        return found

    @cached_property
    def _pipelines(self) -> list[tuple[int, Pipeline]]:
        """Of every site: its own pipeline, and those of its runs with the settings of the newest."""
        newest: dict[tuple[int, str], m.Run] = {}
        for site in Site.objects.all():
            newest[site.pk, site.pipeline] = m.Run(site=site, pipeline=site.pipeline, plan=site.settings)
        runs = m.Run.objects.select_related("site").order_by("-started_at", "-id")
        for site_id, pipeline in m.Run.objects.values_list("site", "pipeline").distinct():
            newest[site_id, pipeline] = runs.filter(site=site_id, pipeline=pipeline)[0]
        return [(site, PIPELINES[name](run)) for (site, name), run in newest.items() if name in PIPELINES]
