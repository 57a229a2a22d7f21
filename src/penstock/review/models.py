"""A decision is a row: who, when, and exactly what was seen."""

from __future__ import annotations

from django.db import models

from penstock.accounts.models import Site


class Decision(models.Model):
    """Append-only. Names its item by (table, item): a lower room knows no upper model.

    `fingerprint` covers the original's hash, the render recipe and the fields that were shown. `decision_id` makes a
    repeated request the same decision."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    table = models.CharField(max_length=40)
    item = models.BigIntegerField()
    verdict = models.CharField(max_length=12)  # approved | rejected | pending (undone) | edited | generated
    fingerprint = models.CharField(max_length=64, default="", blank=True)
    who = models.CharField(max_length=100)
    at = models.DateTimeField()
    reason = models.TextField(default="", blank=True)
    before = models.JSONField(default=dict, blank=True)  # the edited fields as they were
    decision_id = models.CharField(max_length=64, null=True, blank=True, unique=True)

    class Meta:
        indexes = [models.Index(fields=["table", "item", "id"])]


class KnownWord(models.Model):
    """A word that the people of a site added to its dictionary. `key` is how it is compared."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=60)
    word = models.CharField(max_length=60)
    who = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="known_word_once")]
