"""The abstract row that is its own queue entry."""

from __future__ import annotations

from django.db import models

from penstock.accounts.models import Site
from penstock.engine.states import ItemState


class WorkItem(models.Model):
    """A domain row that work moves along. (stage, state) is the truth; only the ledger's store writes it.

    `run`: the run that holds it; empty = backlog. `made_by`: the run whose work made it (rollback deletes it then).
    `batch`: the lease, and the epoch. `share`: at most so many are claimed together (0: the stage's size), for what
    failed as one batch. `available_at`: ledger seconds. `origin`: the unique key of a made row.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_index=False)  # see the indexes
    run = models.CharField(max_length=40, null=True, blank=True)
    made_by = models.CharField(max_length=40, default="", blank=True)
    stage = models.CharField(max_length=40)
    state = models.CharField(max_length=12, default=ItemState.READY)
    ordinal = models.BigIntegerField(default=0)
    batch = models.BigIntegerField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    deaths = models.IntegerField(default=0)
    losses = models.IntegerField(default=0)
    share = models.IntegerField(default=0)
    available_at = models.FloatField(default=0.0)
    open_children = models.IntegerField(default=0)
    parent = models.CharField(max_length=80, default="", blank=True)  # "table:id" whose open_children it lowers
    origin = models.CharField(max_length=160, null=True, blank=True, unique=True)
    error = models.TextField(default="", blank=True)
    error_code = models.CharField(max_length=40, default="", blank=True)
    revision = models.IntegerField(default=0)  # raised by every write of a person
    edited = models.JSONField(default=list, blank=True)  # fields that a person edited: intake leaves them alone

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                fields=["run", "stage", "state", "open_children", "losses", "ordinal"], name="%(class)s_claim"
            ),
            models.Index(fields=["site", "stage", "state"], name="%(class)s_site"),
            # only rows that have one: others pay nothing. MySQL has no such index and reads the table instead
            models.Index(fields=["parent"], condition=models.Q(parent__gt=""), name="%(class)s_parent"),
        ]


ENGINE_COLUMNS = tuple(field.attname for field in WorkItem._meta.fields)
"""Columns of the engine; what a stage writes may not be one of them."""
