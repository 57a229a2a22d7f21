"""The places that a site publishes to: add, list, test, remove."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from penstock.accounts.models import Site
from penstock.engine.errors import NotFound, Refused, UsageError
from penstock.ledger.tx import commits, write
from penstock.publish import TARGETS, outlets, passwords
from penstock.publish.models import UNDOING, UNKNOWN, Target

commits("targets.add", "targets.remove")

COMING = ("ftp", "ftps", "sftp", "mysql", "postgres", "wordpress")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def add(
    site: Site, name: str, kind: str, url: str, options: Mapping[str, Any] | None = None, secret: str = ""
) -> Target:
    """Add a target, make its place and keep its password. Raises UsageError naming what is wrong, Unavailable when the
    place cannot be made or reached."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:60]!r} cannot name a target; use lower-case letters, digits and hyphens, at most 40")
    if not url.isprintable():
        raise UsageError("--url holds control characters; type it again")
    maker, chosen = _maker(kind), dict(options or {})
    outlet = outlets.found(maker)
    address = outlet.address(url, chosen)
    _refuse_own(address)
    if secret and not outlet.takes_secret:
        raise UsageError(f"a {kind} target takes no password; leave it out")
    if Target.objects.filter(site=site, name=name).exists():
        raise UsageError(f"site {site.name} has a target {name!r} already; choose another name or remove it first")
    outlets.opened(maker, address, chosen, secret or passwords.of(site.name, name)).make()
    if outlet.takes_secret:
        passwords.keep(site.name, name, secret)
    try:
        with write("targets.add"):
            return Target.objects.create(site=site, name=name, kind=kind, url=address, options=chosen, rank=outlet.rank)
    except IntegrityError:
        raise UsageError(f"site {site.name} has a target {name!r} already; choose another name") from None


def listed(site: Site) -> list[Target]:
    """The targets in the order in which they are published to: files before rows."""
    return list(Target.objects.filter(site=site, retired=False).order_by("rank", "id"))


def named(site: Site, name: str) -> Target:
    """One target. Raises NotFound with the names there are."""
    found = {target.name: target for target in listed(site)}
    if name not in found:
        raise NotFound(f"site {site.name} has no target {name!r}; targets: {', '.join(found) or 'none yet'}")
    return found[name]


def test(target: Target) -> str:
    """Try to write; a sentence that says what was found. Raises Unavailable or Transient with what is wrong."""
    return opened(target).test()


def remove(site: Site, name: str) -> None:
    """Forget a target; what was published there stays, and can still be unpublished.

    Raises NotFound, Refused while deliveries to it are open."""
    target = named(site, name)
    with write("targets.remove"):
        under_way = target.deliveries.filter(run__isnull=False, state__in=["ready", "leased"])
        unsure = target.deliveries.filter(outcome__in=[UNKNOWN, UNDOING])
        n = (under_way | unsure).count()
        if n:
            raise Refused(f"target {name}: {n} deliveries are open; let the publishing end, or publish again, first")
        if target.deliveries.exists():
            passwords.keep(site.name, f"{name}_{target.pk}_removed", passwords.of(site.name, name))
            target.name, target.retired = f"{name}_{target.pk}_removed", True
            target.save(update_fields=["name", "retired"])
        else:
            target.delete()
    passwords.forget(site.name, name)


def opened(target: Target) -> outlets.Outlet:
    """The target's outlet."""
    return outlets.opened(_maker(target.kind), target.url, target.options, secret(target))


def secret(target: Target) -> str:
    """The target's password, "" for kinds that take none."""
    takes = outlets.found(_maker(target.kind)).takes_secret
    return passwords.of(target.site.name, target.name) if takes else ""


def change_secret(target: Target, given: str) -> None:
    """Keep another password, or none. Raises UsageError for a kind that takes none."""
    if not outlets.found(_maker(target.kind)).takes_secret:
        raise UsageError(f"a {target.kind} target takes no password")
    passwords.keep(target.site.name, target.name, given)


def takes_secret(kind: str) -> bool:
    """Whether targets of a kind have a password. Raises UsageError for an unknown kind."""
    return bool(outlets.found(_maker(kind)).takes_secret)


def _maker(kind: str) -> str:
    maker = TARGETS.get(kind)
    if maker is None:
        here = ", ".join(sorted(TARGETS))
        why = "is not built yet in this version" if kind in COMING else "is unknown"
        raise UsageError(f"target kind {kind[:20]!r} {why}; there are: {here}")
    return maker


def _refuse_own(address: str) -> None:
    """Our own database is no website's."""
    if Path(address).resolve() == Path(settings.PENSTOCK.database).resolve():
        raise UsageError(f"{address} is Penstock's own database; give the website's")
