"""A content site on the durable ledger for tests: keywords in, a run driven in this process, counts checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from penstock.accounts.models import Site, create_site
from penstock.engine.clock import SystemClock
from penstock.engine.ids import ProcessIdentity, SequenceIds
from penstock.ledger import control, rows, sweep
from penstock.ledger.models import Run, SiteCounter, StageRun
from penstock.ledger.store import DjangoLedger
from penstock.pipelines.content import intake
from tests.conformance import plant

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
TABLES = ("keyword", "cluster", "idea", "task", "article", "image")
TOPICS = ("running shoes", "espresso machine", "standing desk", "indoor plants", "sourdough bread")
KEYWORDS = [form.format(topic) for topic in TOPICS for form in ("{}", "best {}", "{} for beginners", "cheap {}")]
PENDING = {  # stage → what its pending items are, in the words of the specification
    "keywords_to_clusters": ("keyword", {"status": "new", "cluster": None}),
    "clusters_to_ideas": ("cluster", {"status": "new"}),
    "ideas_to_tasks": ("idea", {"status": "new"}),
    "tasks_to_content": ("task", {"status": "queued"}),
    "image_prompts_to_images": ("image", {"status": "pending"}),
}


class Room:
    """One site and a ledger of this process."""

    def __init__(self, name: str = "blog", account: str = "default", ids: Any = None, **settings: Any) -> None:
        small = {"image_width": 96, "image_height": 64}
        self.clock, self.ids = SystemClock(), ids or SequenceIds()
        self.site: Site = create_site(name, "content", account=account)
        self.site.settings = {**small, **settings}
        self.site.save()
        self._lives = 0
        self.process()

    def process(self) -> None:
        """A new process takes over; the one before is dead from now on."""
        self._lives += 1
        me = ProcessIdentity.me()
        self.ledger = DjangoLedger(self.clock, ProcessIdentity(me.host, me.boot, me.pid, me.started + self._lives))
        sweep.recover(self.ledger)

    def keywords(self, words: Sequence[str] = KEYWORDS) -> intake.Imported:
        """Import them."""
        return intake.import_text(self.site, "\n".join(words), AT)

    def start(self, **plan: Any) -> Run:
        """A run over the backlog."""
        return control.start(self.site, self.clock, self.ids, plan={**self.site.settings, **plan})

    def drive(self, run: Run) -> Run:
        """To its rest; answers the run as it is then."""
        plant.drive(self.ledger, run.id, {"cpu": 2, "model": 1, "inline": 1})
        return control.find(run.id)

    def run(self, **plan: Any) -> Run:
        """Start and drive."""
        return self.drive(self.start(**plan))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """In order."""
        return list(rows.model_of(table).objects.filter(site=self.site).order_by("ordinal", "id").values())

    def words(self, table: str) -> Counter[str]:
        """Status → rows."""
        return Counter(row["status"] for row in self.rows(table))

    def results(self, run: Run) -> dict[str, Any]:
        """Stage → its result in the seed's words."""
        from penstock.pipelines.content.results import result

        return {stage.name: result(stage) for stage in StageRun.objects.filter(run=run)}

    def pending(self) -> dict[str, int]:
        """Stage → pending, from the counters that overviews read."""
        found = Counter[str]()
        for one in SiteCounter.objects.filter(site=self.site, state__in=("ready", "leased")):
            found[one.stage] += one.n
        return dict(found)

    def recounted(self) -> dict[str, int]:
        """The same, counted from the rows in the words of the specification."""
        found = {
            stage: rows.model_of(table).objects.filter(site=self.site, **wanted).exclude(state="failed").count()
            for stage, (table, wanted) in PENDING.items()
        }
        drafts = rows.model_of("article").objects.filter(site=self.site, status="draft")
        pictured = rows.model_of("image").objects.filter(site=self.site).values("article")
        found["content_to_image_prompts"] = drafts.exclude(id__in=pictured).count()
        return found


def context(of: Run, stage: str = "", work_dir: Path | None = None) -> Any:
    """What a stage's `load` is told."""
    named = SimpleNamespace(name=stage)
    return SimpleNamespace(run=of, batch=3, stage=named, work_dir=work_dir or of.site.root / ".work" / "3")
