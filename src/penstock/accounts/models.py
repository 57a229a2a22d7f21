"""Account owns sites; a site has one pipeline and its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction

from penstock.accounts import AFTER_CREATE
from penstock.engine.errors import NotFound, UsageError
from penstock.engine.failpoint import declare, failpoint

declare("accounts.create_site.before_commit", "accounts.create_site.after_commit")

SLUG_RULE = "lower-case letters, digits and hyphens, starting with a letter or digit, at most 60 characters"


class Account(models.Model):
    """A customer or team: it owns sites."""

    name = models.SlugField(max_length=60, unique=True)


class User(models.Model):
    """A person, or a program that acts for one. Without a password nobody can sign in as them; tokens still work."""

    name = models.CharField(max_length=60, unique=True)
    password = models.CharField(max_length=200, default="", blank=True)  # Argon2id
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()


class Membership(models.Model):
    """What a user may do in an account."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="one_role_per_account")]


class Session(models.Model):
    """Somebody who is signed in. Of the cookie only its hash is kept. `user` is None for who started the program."""

    key_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    who = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()


class SignInFailure(models.Model):
    """Failed tries of one name, or from one address, since `since`."""

    key_hash = models.CharField(max_length=64, unique=True)
    count = models.IntegerField(default=0)
    since = models.DateTimeField()
    last = models.DateTimeField()


class ApiToken(models.Model):
    """A key for programs: never more than its user may, nor more than `role`, nor another site than `site`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=60, default="", blank=True)
    key_hash = models.CharField(max_length=64, unique=True)
    last4 = models.CharField(max_length=4)
    role = models.CharField(max_length=10)
    site = models.ForeignKey("Site", null=True, blank=True, on_delete=models.CASCADE, related_name="tokens")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)  # to the hour


class AuditEntry(models.Model):
    """Append-only: who changed what. `account` and `site` are numbers, so that an entry outlives what it tells of."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    who = models.CharField(max_length=100)
    via = models.CharField(max_length=10)  # session | token | terminal | system
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=160, default="", blank=True)
    account = models.BigIntegerField(null=True, blank=True)
    site = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["account", "id"]), models.Index(fields=["site", "id"])]


class Integration(models.Model):
    """A provider that a site uses: its address and its key, encrypted for that address only."""

    site = models.ForeignKey("Site", on_delete=models.CASCADE, related_name="integrations")
    name = models.SlugField(max_length=40)
    url = models.CharField(max_length=500)
    secret = models.TextField(default="", blank=True)
    last4 = models.CharField(max_length=4, default="", blank=True)
    near = models.BooleanField(default=False)  # an owner allows this very host:port on this machine or its network
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="integration_of_site")]


class CreditBalance(models.Model):
    """What an account can spend, and what is reserved, in thousandths: the sum of its entries at any moment."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="credits")
    available = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(available__gte=0), name="credits_never_negative"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="reserved_never_negative"),
        ]


class CreditEntry(models.Model):
    """Append-only. `key` is unique, so that an entry which is written again is written once.

    kinds: grant · reserve · settle · release; the last two close the reservation that `closes` names, exactly one of
    them, once. `available` and `reserved` are what the entry moved."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credit_entries")
    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=200)
    closes = models.CharField(max_length=200, null=True, blank=True, unique=True)
    available = models.BigIntegerField()
    reserved = models.BigIntegerField()
    run = models.CharField(max_length=40, default="", blank=True)
    stage = models.CharField(max_length=40, default="", blank=True)
    item = models.CharField(max_length=80, default="", blank=True)
    at = models.DateTimeField()
    who = models.CharField(max_length=100, default="", blank=True)
    note = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="credit_entry_once")]
        indexes = [models.Index(fields=["account", "id"]), models.Index(fields=["run"])]


class CreditUse(models.Model):
    """What a stage of a run has cost so far, and what it holds reserved, in thousandths: moved with the entries."""

    run = models.CharField(max_length=40)
    stage = models.CharField(max_length=40)
    used = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "stage"], name="credits_of_stage")]


class Site(models.Model):
    """One place that is worked for. `home_root`: the first site of a home keeps its files in the home itself."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sites")
    name = models.SlugField(max_length=60, unique=True)
    pipeline = models.CharField(max_length=40)
    timezone = models.CharField(max_length=60, default="UTC")
    settings = models.JSONField(default=dict)
    home_root = models.BooleanField(default=False)

    @property
    def root(self) -> Path:
        """The folder below which this site's files live."""
        home = Path(settings.PENSTOCK.home)
        return home if self.home_root else home / "sites" / self.name

    def option(self, key: str, default: Any = None) -> Any:
        """One raw setting."""
        return self.settings.get(key, default)


def site_named(name: str) -> Site:
    """The site called `name`. Raises NotFound with the names there are."""
    site = Site.objects.select_related("account").filter(name=name).first()
    if site is None:
        known = ", ".join(Site.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise NotFound(f"there is no site {name!r}; sites: {known}")
    return site


def create_site(name: str, pipeline: str, *, timezone: str = "UTC", account: str = "default") -> Site:
    """Make a site (and its account when missing). Raises UsageError on a bad or taken name."""
    for kind, given in (("a site", name), ("an account", account)):
        if not is_slug(given):
            raise UsageError(f"{given!r} cannot name {kind}; use {SLUG_RULE}")
    if Site.objects.filter(name=name).exists():
        raise UsageError(f"there is a site {name!r} already; choose another name")
    with transaction.atomic():
        owner, _ = Account.objects.get_or_create(name=account)
        first = not Site.objects.exists()
        site = Site.objects.create(account=owner, name=name, pipeline=pipeline, timezone=timezone, home_root=first)
        for hook in AFTER_CREATE:
            hook(site)
        failpoint("accounts.create_site.before_commit")
    failpoint("accounts.create_site.after_commit")
    return site


def is_slug(name: str) -> bool:
    """Whether it can name a site, an account or a user (SLUG_RULE)."""
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 0 < len(name) <= 60 and name[0].isalnum() and set(name) <= letters
