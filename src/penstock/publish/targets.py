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
from penstock.publish import TARGETS, credentials, outlets
from penstock.publish.models import UNDOING, UNKNOWN, Target

commits("targets.add", "targets.remove")

COMING = ("wordpress",)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def add(
    site: Site, name: str, kind: str, url: str, options: Mapping[str, Any] | None = None, secret: str = ""
) -> Target:
    """Add a target and make its place; its password is kept apart, in a file of the home.

    Raises UsageError naming what is wrong, Unavailable when the place cannot be made."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:60]!r} cannot name a target; use lower-case letters, digits and hyphens, at most 40")
    if not url.isprintable():
        raise UsageError("--url holds control characters; type it again")
    maker, chosen = _maker(kind), dict(options or {})
    outlet = outlets.found(maker)
    address = outlet.address(url, chosen)
    _refuse_own(address)
    if Target.objects.filter(site=site, name=name).exists():
        raise UsageError(f"site {site.name} has a target {name!r} already; choose another name or remove it first")
    place = outlets.opened(maker, address, chosen, secret)
    place.make()
    try:
        with write("targets.add"):
            made = Target.objects.create(site=site, name=name, kind=kind, url=address, options=chosen, rank=place.rank)
            if secret:
                credentials.keep(made, secret)
            else:
                credentials.forget(made)  # of one that was never added, whose number this is now
            return made
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
            if secret := credentials.of(target):  # which the environment names after the target
                credentials.keep(target, secret)
            target.name, target.retired = f"{name}_{target.pk}_removed", True
            target.save(update_fields=["name", "retired"])
        else:
            credentials.forget(target)
            target.delete()


def opened(target: Target) -> outlets.Outlet:
    """The target's outlet."""
    return outlets.opened(_maker(target.kind), target.url, target.options, credentials.of(target))


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
