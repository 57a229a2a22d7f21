"""The content pipeline's rows. `status` is the seed's word, written by the store with (stage, state).

What one row says of another (`cluster`, `idea`, `task`, `article`) is its number: rows of a run that is rolled back
go, whoever speaks of them goes with them."""

from __future__ import annotations

from django.db import models

from penstock.ledger.workitem import WorkItem


class Made(WorkItem):
    """A row whose texts a provider made. `provider` offline: by templates, of this program itself."""

    status = models.CharField(max_length=12, default="", blank=True)
    provider = models.CharField(max_length=40, default="", blank=True)
    model = models.CharField(max_length=200, default="", blank=True)
    prompt_version = models.CharField(max_length=40, default="", blank=True)

    class Meta(WorkItem.Meta):
        abstract = True


class Keyword(WorkItem):
    """A search phrase. `key` is how it is compared: Unicode form, case and white space do not tell it from another."""

    keyword = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    volume = models.BigIntegerField(null=True, blank=True)  # searches per month
    difficulty = models.FloatField(null=True, blank=True)  # 0 to 100
    intent = models.CharField(max_length=40, default="", blank=True)
    cluster = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=12, default="new")

    class Meta(WorkItem.Meta):
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="keyword_once")]
        indexes = [*WorkItem.Meta.indexes, models.Index(fields=["cluster"], name="keyword_cluster")]


class Cluster(Made):
    """Keywords that one reader would search for together. `key` is the name as it is compared."""

    name = models.CharField(max_length=200)
    key = models.CharField(max_length=200)

    class Meta(Made.Meta):
        indexes = [*WorkItem.Meta.indexes, models.Index(fields=["site", "key"], name="cluster_name")]


class Idea(Made):
    """What an article of a cluster could be. `outline` is the headings, in order."""

    cluster = models.BigIntegerField()
    title = models.CharField(max_length=200)
    brief = models.TextField(default="", blank=True)
    outline = models.JSONField(default=list)
    keywords = models.JSONField(default=list)


class Task(WorkItem):
    """An article that is to be written: the idea as it was when it was queued."""

    idea = models.BigIntegerField()
    title = models.CharField(max_length=200)
    brief = models.TextField(default="", blank=True)
    outline = models.JSONField(default=list)
    keywords = models.JSONField(default=list)
    status = models.CharField(max_length=12, default="queued")


class Article(Made):
    """A written article; the seed's `Content`. `html` holds allowed tags only, each heading with its id.

    `flags` are what a reviewer should look at; `hold` keeps it from being approved."""

    task = models.BigIntegerField()
    title = models.CharField(max_length=200)
    slug = models.CharField(max_length=120)
    meta_description = models.CharField(max_length=320, default="", blank=True)
    excerpt = models.TextField(default="", blank=True)
    html = models.TextField(default="", blank=True)
    word_count = models.IntegerField(default=0)
    keywords = models.JSONField(default=list)
    flags = models.JSONField(default=list, blank=True)
    hold = models.BooleanField(default=False)
    url = models.TextField(default="", blank=True)  # where it was published

    class Meta(Made.Meta):
        constraints = [models.UniqueConstraint(fields=["site", "slug"], name="article_address_once")]


class Image(Made):
    """A picture of an article. `place` 0 is the featured one; `anchor` is the id of the heading above it."""

    article = models.BigIntegerField()
    place = models.IntegerField(default=0)
    anchor = models.CharField(max_length=120, default="", blank=True)
    prompt = models.TextField(default="", blank=True)
    alt = models.CharField(max_length=300, default="", blank=True)
    path = models.TextField(default="", blank=True)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)

    class Meta(Made.Meta):
        indexes = [*WorkItem.Meta.indexes, models.Index(fields=["article", "place"], name="image_place")]
