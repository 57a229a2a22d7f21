"""The mill's only table."""

from __future__ import annotations

from django.db import models

from penstock.ledger.workitem import WorkItem


class Grain(WorkItem):
    """`plan` says what its work does."""

    plan = models.CharField(max_length=20, default="")

    class Meta(WorkItem.Meta):
        app_label = "mill"
