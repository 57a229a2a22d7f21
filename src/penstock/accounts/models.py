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
        if not _is_slug(given):
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


def _is_slug(name: str) -> bool:
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 0 < len(name) <= 60 and name[0].isalnum() and set(name) <= letters
