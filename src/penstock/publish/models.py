"""Where approved items go, and each item's way there."""

from __future__ import annotations

from django.db import models

from penstock.accounts.models import Site
from penstock.ledger.workitem import WorkItem


class Target(models.Model):
    """One place that a site publishes to. `kind` names its maker in `publish.TARGETS`; secrets are not kept here.

    `rank`: file targets (0) come before row targets (1), so that a visible row implies complete files, and the local
    mirror (2) comes last: it holds the numbers that the first table on a server gave the rows.
    A target that was removed after a delivery stays as `retired`: what stands there can still be taken back."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="targets")
    name = models.SlugField(max_length=60)
    kind = models.CharField(max_length=20)
    url = models.TextField()
    options = models.JSONField(default=dict)
    rank = models.SmallIntegerField(default=0)
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="target_of_site")]


MIRROR = 2  # rank of local copies
UNTOUCHED, UNKNOWN, SENT, UNCHANGED = "", "unknown", "sent", "unchanged"
CONFLICT, UNDOING, UNDONE = "conflict", "undoing", "undone"
THERE = (SENT, UNCHANGED)  # stands on the target as it was approved
LEFT = (*THERE, UNKNOWN, UNDOING)  # something of it stands on the target, or may


class Delivery(WorkItem):
    """An approved item on its way to a target: once per (item, target, fingerprint).

    `payload` is what was approved (fields and destination), `files` what was rendered from it: retried with the same
    bytes. `receipt` is what the target answered. `outcome` is "" until something may have left; "unknown" is written
    before the first byte and stays until it is known better."""

    table = models.CharField(max_length=40)
    item = models.BigIntegerField()
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="deliveries")
    fingerprint = models.CharField(max_length=64)
    who = models.CharField(max_length=100, default="", blank=True)
    payload = models.JSONField(default=dict)
    files = models.JSONField(default=dict)
    outcome = models.CharField(max_length=12, default="", blank=True)
    receipt = models.JSONField(default=dict)

    class Meta(WorkItem.Meta):
        db_table = "delivery"
        constraints = [
            models.UniqueConstraint(fields=["table", "item", "target", "fingerprint"], name="delivery_once"),
        ]
