"""What the ledger keeps beside the items: runs, stages, batches, events, effects, artefacts, counters."""

from __future__ import annotations

from django.db import models

from penstock.accounts.models import Site
from penstock.engine.states import OPEN_RUN, RunState


class Run(models.Model):
    """One execution for a site. `active_key` (site:kind, unique) is held while it is open: one run at a time.

    `plan` keeps the site's settings as they were at the start, so that a resumed run does what it set out to do.
    `undoing` is the step of a rollback under way: "" none, "effects", "rows".
    """

    id = models.CharField(primary_key=True, max_length=40)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=20, default="run")
    pipeline = models.CharField(max_length=40)
    plan = models.JSONField(default=dict)
    status = models.CharField(max_length=12, default=RunState.RUNNING)
    active_key = models.CharField(max_length=80, null=True, blank=True, unique=True)
    trigger = models.CharField(max_length=12, default="manual")
    retry_of = models.CharField(max_length=40, default="", blank=True)
    pause_requested = models.BooleanField(default=False)
    cancel_requested = models.BooleanField(default=False)
    abort_requested = models.BooleanField(default=False)
    blocked = models.CharField(max_length=40, default="", blank=True)  # the code of the blocking failure
    error_message = models.TextField(default="", blank=True)
    interrupted = models.BooleanField(default=False)
    adopting = models.BooleanField(default=False)  # it is still taking the backlog, and nothing of it is worked yet
    driver = models.CharField(max_length=160, default="", blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    undoing = models.CharField(max_length=8, default="", blank=True)
    rolled_back_at = models.DateTimeField(null=True, blank=True)
    recorded = models.BooleanField(default=False)  # its records have been written since it came to rest

    class Meta:
        indexes = [models.Index(fields=["site", "started_at"]), models.Index(fields=["status"])]

    @property
    def open(self) -> bool:
        """Running or paused."""
        return RunState(self.status) in OPEN_RUN


class StageRun(models.Model):
    """A stage of a run, with its counters. The state columns equal a recount of the run's rows at any moment."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stages")
    number = models.IntegerField()
    name = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    table = models.CharField(max_length=40)
    ready = models.IntegerField(default=0)
    leased = models.IntegerField(default=0)
    waiting = models.IntegerField(default=0)
    approved = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    quarantined = models.IntegerField(default=0)
    passed = models.IntegerField(default=0)  # items that this stage has done with, ever; equals the sum over its events
    retries = models.IntegerField(default=0)
    batches = models.IntegerField(default=0)
    seconds = models.FloatField(default=0.0)  # working time, summed over items
    not_before = models.FloatField(default=0.0)  # ledger seconds
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cpu_percent = models.FloatField(default=0.0)
    rss_mb = models.FloatField(default=0.0)
    result = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="stage_of_run")]
        ordering = ["number"]


class Batch(models.Model):
    """What was claimed at once: the lease. Its id is the epoch and is never reused."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="batches")
    stage = models.CharField(max_length=40)
    holder = models.CharField(max_length=160)
    boot = models.CharField(max_length=80)
    until = models.FloatField()
    since = models.FloatField(default=0.0)  # ledger seconds at which it was claimed
    size = models.IntegerField()
    open = models.BooleanField(default=True)

    class Meta:
        indexes = [models.Index(fields=["open", "run"])]


class Event(models.Model):
    """Append-only: one per settle, decision and verb. `lines` are its lines in the run log."""

    id = models.BigAutoField(primary_key=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    run = models.CharField(max_length=40, null=True, blank=True)
    kind = models.CharField(max_length=40)
    stage = models.CharField(max_length=40, default="", blank=True)
    who = models.CharField(max_length=100, default="", blank=True)
    at = models.DateTimeField()
    moves = models.JSONField(default=list)  # [[table, old "stage/state" or "", new "stage/state" or "", [items]], …]
    data = models.JSONField(default=dict)
    lines = models.JSONField(default=list)  # [[level, text], …]

    class Meta:
        indexes = [models.Index(fields=["run", "id"])]


class Effect(models.Model):
    """A side effect, journaled before it happens: planned → done → undoing → undone."""

    id = models.BigAutoField(primary_key=True)
    run = models.CharField(max_length=40)
    table = models.CharField(max_length=40)
    item = models.BigIntegerField()
    stage = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    source = models.TextField()
    target = models.TextField()
    state = models.CharField(max_length=8, default="planned")
    mark = models.CharField(max_length=80, default="", blank=True)  # sha256 of what was moved or copied

    class Meta:
        indexes = [models.Index(fields=["run", "state"]), models.Index(fields=["table", "item"])]


class Artefact(models.Model):
    """A file that a stage made: written aside, committed here, then renamed to `path`."""

    id = models.BigAutoField(primary_key=True)
    run = models.CharField(max_length=40)
    table = models.CharField(max_length=40)
    item = models.BigIntegerField()
    stage = models.CharField(max_length=40)
    batch = models.BigIntegerField()
    work = models.TextField()
    path = models.TextField()
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["run"]),
            models.Index(fields=["batch"]),
            models.Index(fields=["table", "item"]),
        ]


class BeforeImage(models.Model):
    """How a row that a run adopted looked before the run first wrote it."""

    run = models.CharField(max_length=40)
    table = models.CharField(max_length=40)
    item = models.BigIntegerField()
    data = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "table", "item"], name="before_image_once")]


class SiteCounter(models.Model):
    """How many rows of a table a site has at (stage, state). Overviews read nothing else."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="counters")
    table = models.CharField(max_length=40)
    stage = models.CharField(max_length=40)
    state = models.CharField(max_length=12)
    n = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "table", "stage", "state"], name="site_counter")]


class Schedule(models.Model):
    """When a site's runs start by themselves. `anchor` is the day on which it was first enabled: it gives the weekday
    or the day of the month. `last_slot` is the slot of the last run that was started."""

    site = models.OneToOneField(Site, on_delete=models.CASCADE, related_name="schedule")
    enabled = models.BooleanField(default=False)
    frequency = models.CharField(max_length=8, default="daily")
    time = models.CharField(max_length=5, default="02:00")
    anchor = models.DateField(null=True, blank=True)
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    last_slot = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)


class Slot(models.Model):
    """What became of a due slot: started or skipped, once."""

    id = models.BigAutoField(primary_key=True)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="slots")
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=8)
    reason = models.CharField(max_length=300, default="", blank=True)
    run = models.CharField(max_length=40, default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "due_at"], name="slot_once")]


class Home(models.Model):
    """One row: which boot the ledger seconds belong to."""

    boot = models.CharField(max_length=80)
