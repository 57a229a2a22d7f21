"""The photo pipeline's rows. `review_queue` keeps the original's columns and names; lower-case columns are ours."""

from __future__ import annotations

from django.db import models

from penstock.accounts.models import Site
from penstock.ledger.workitem import WorkItem


class PhotoSet(models.Model):
    """One subject at one location in one folder, with its files. `mode`: copy (default) or move."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="photo_sets")
    folder = models.CharField(max_length=80)
    location = models.CharField(max_length=80)
    subject = models.CharField(max_length=120)
    mode = models.CharField(max_length=4, default="copy")


class PhotoFile(WorkItem):
    """A source file of a set: stage 1 looks at it and makes its photo."""

    set = models.ForeignKey(PhotoSet, on_delete=models.PROTECT, related_name="files")
    path = models.TextField()

    class Meta(WorkItem.Meta):
        db_table = "photo_file"


class Photo(WorkItem):
    """A row of the review queue. Rows stay: a decision or a publish never deletes one."""

    set = models.ForeignKey(PhotoSet, on_delete=models.PROTECT, related_name="photos")
    Folder = models.CharField(max_length=80)
    File_Name = models.CharField(max_length=150, default="", blank=True)
    Path = models.TextField(default="", blank=True)
    ollama_path = models.TextField(null=True, blank=True)
    Thumb_Path = models.TextField(default="", blank=True)
    DateTime = models.CharField(max_length=40, default="", blank=True)
    Camera = models.CharField(max_length=200, default="", blank=True)
    Lens_model = models.CharField(max_length=200, default="", blank=True)
    Width = models.IntegerField(null=True, blank=True)
    Height = models.IntegerField(null=True, blank=True)
    Exposure = models.CharField(max_length=40, default="", blank=True)
    Aperture = models.CharField(max_length=40, default="", blank=True)
    ISO = models.IntegerField(null=True, blank=True)
    Focal_length = models.IntegerField(null=True, blank=True)
    Keywords = models.TextField(default="", blank=True)
    Caption = models.TextField(default="", blank=True)
    alt_text = models.TextField(default="", blank=True)
    Location = models.CharField(max_length=80)
    Subject = models.CharField(max_length=120)
    nima_score = models.FloatField(null=True, blank=True)
    blur_score = models.FloatField(null=True, blank=True)
    brightness_score = models.FloatField(null=True, blank=True)
    contrast_score = models.FloatField(null=True, blank=True)
    QR = models.FloatField(null=True, blank=True)
    QC_Status = models.CharField(max_length=20, default="NA")
    Review_Status = models.CharField(max_length=12, default="Queued")
    Original_File_Name = models.CharField(max_length=255)
    brisque_score = models.FloatField(null=True, blank=True)
    clip_aesthetic_score = models.FloatField(null=True, blank=True)

    source_path = models.TextField()
    staged_path = models.TextField(default="", blank=True)
    working_path = models.TextField(default="", blank=True)
    content_hash = models.CharField(max_length=64, default="", blank=True)
    file_size = models.BigIntegerField(null=True, blank=True)
    phash = models.CharField(max_length=16, default="", blank=True)
    zone = models.CharField(max_length=10, default="", blank=True)
    gps = models.JSONField(null=True, blank=True)
    year = models.IntegerField(null=True, blank=True)
    light = models.JSONField(default=dict, blank=True)
    scorers = models.JSONField(default=dict, blank=True)
    problem = models.TextField(default="", blank=True)  # found before anything was written
    problem_code = models.CharField(max_length=40, default="", blank=True)
    provider = models.CharField(max_length=40, default="", blank=True)  # who wrote the texts
    model = models.CharField(max_length=200, default="", blank=True)
    prompt_version = models.CharField(max_length=40, default="", blank=True)
    hints = models.JSONField(default=list, blank=True)  # of the classifier: family, label, score
    evidence = models.JSONField(default=list, blank=True)
    changes = models.JSONField(
        default=list, blank=True
    )  # what the guardrails changed: rule, field, before, after, reason
    flags = models.JSONField(default=list, blank=True)
    near_group = models.IntegerField(null=True, blank=True)
    hold = models.BooleanField(default=False)

    class Meta(WorkItem.Meta):
        db_table = "review_queue"
        indexes = [
            *WorkItem.Meta.indexes,
            models.Index(fields=["site", "content_hash"], name="photo_content"),
            models.Index(fields=["site", "Review_Status"], name="photo_review"),
        ]


class Regeneration(WorkItem):
    """A person's wish for new texts of a photo. `result` is what was written; `taken`: a person took it over."""

    photo = models.BigIntegerField()
    fields = models.JSONField(default=list)
    who = models.CharField(max_length=100)
    result = models.JSONField(default=dict, blank=True)
    taken = models.BooleanField(default=False)

    class Meta(WorkItem.Meta):
        db_table = "regeneration"
        indexes = [*WorkItem.Meta.indexes, models.Index(fields=["site", "photo", "taken"], name="regeneration_open")]


class ReservedName(models.Model):
    """A file name that a photo of the site holds. `key` is the name under the strictest comparison of all stores."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    made_by = models.CharField(max_length=40, default="", blank=True)
    owner = models.BigIntegerField(default=0)  # photo id; 0 = imported from used_filenames.json
    key = models.CharField(max_length=300)
    name = models.CharField(max_length=150)
    series = models.CharField(max_length=300, default="", blank=True)
    number = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="name_once")]
        indexes = [models.Index(fields=["site", "series", "number"]), models.Index(fields=["owner"])]


class Taxon(models.Model):
    """A folder or location that the site knows. `key` is what sets use, `name` what people read."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="taxa")
    kind = models.CharField(max_length=8)  # folder | location
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "kind", "key"], name="taxon_once")]
