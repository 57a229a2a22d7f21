"""Folders and locations that a site knows. New ones need a yes, so that a typing error never makes a folder."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from django.db.models import F

from penstock.accounts.models import Site
from penstock.engine.errors import NotFound, UsageError
from penstock.ledger import events
from penstock.ledger.tx import commits, write
from penstock.pipelines.photos import taxonomyfiles
from penstock.pipelines.photos.models import Photo, PhotoSet, Taxon

commits("taxonomy.add", "taxonomy.rename", "taxonomy.merge")
KINDS = ("folder", "location")


def ask(site: Site, kind: str, key: str, confirm: Callable[[str], bool]) -> None:
    """The key is known, or may become so: a person said yes. Raises UsageError when the answer is no."""
    known = list(Taxon.objects.filter(site=site, kind=kind).values_list("key", flat=True))
    if key in known:
        return
    same = next((one for one in known if one.casefold() == key.casefold()), None)
    if same is not None:
        raise UsageError(f"{kind} {key!r} is known as {same!r}; use that spelling")
    close = get_close_matches(key, known, 1, 0.88)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    if not confirm(f"{kind} {key!r} is new to site {site.name}{hint}. Add it?"):
        raise UsageError(f"{kind} {key!r} is new to site {site.name}{hint}; confirm it with --yes")


def ensure(site: Site, kind: str, key: str) -> None:
    """The key is known from now on."""
    Taxon.objects.get_or_create(site=site, kind=kind, key=key, defaults={"name": _title(key)})
    taxonomyfiles.copy_after_commit(site)


def listing(site: Site) -> list[dict[str, Any]]:
    """Every folder and location with how many sets use it."""
    found = []
    for taxon in Taxon.objects.filter(site=site).order_by("kind", "key"):
        used = PhotoSet.objects.filter(site=site, **{taxon.kind: taxon.key}).count()
        found.append({"kind": taxon.kind, "key": taxon.key, "name": taxon.name, "sets": used})
    return found


def add(site: Site, kind: str, key: str, name: str, *, who: str, at: Any) -> None:
    """Make a folder or location known. Raises UsageError when it is already, or the kind is unknown."""
    _check(kind, key)
    _check_name(kind, name or _title(key))
    same = Taxon.objects.filter(site=site, kind=kind, key__iexact=key).first()
    if same is not None:
        raise UsageError(f"{kind} {key!r} is known already" + (f" as {same.key!r}" if same.key != key else ""))
    with write("taxonomy.add"):
        Taxon.objects.create(site=site, kind=kind, key=key, name=name or _title(key))
        _tell(site, at, who, f"{kind} {key} added")


def rename(site: Site, kind: str, key: str, name: str, *, who: str, at: Any) -> None:
    """Change the name that people read; the key stays. Raises NotFound, UsageError for an empty or long name."""
    taxon = _find(site, kind, key)
    _check_name(kind, name)
    with write("taxonomy.rename"):
        Taxon.objects.filter(id=taxon.id).update(name=name)
        _tell(site, at, who, f"{kind} {key} is now called {name}")


def merge(site: Site, kind: str, key: str, into: str, *, who: str, at: Any) -> int:
    """Let `into` take over everything that is not published under `key`. Answers how many photos changed."""
    taxon, other = _find(site, kind, key), _find(site, kind, into)
    if taxon.id == other.id:
        raise UsageError(f"{kind} {key!r} cannot be merged into itself")
    with write("taxonomy.merge"):
        PhotoSet.objects.filter(site=site, **{kind: key}).update(**{kind: into})
        open_rows = Photo.objects.filter(site=site, **{kind.capitalize(): key}).exclude(
            Review_Status__in=["Approved", "Published"]
        )
        changed = open_rows.update(**{kind.capitalize(): into}, revision=F("revision") + 1)
        taxon.delete()
        _tell(site, at, who, f"{kind} {key} merged into {into}: {changed} photos")
    return changed


def names(site: Site, kind: str) -> dict[str, str]:
    """Key → the name that people read."""
    return dict(Taxon.objects.filter(site=site, kind=kind).values_list("key", "name"))


def _find(site: Site, kind: str, key: str) -> Taxon:
    _check(kind, key)
    taxon = Taxon.objects.filter(site=site, kind=kind, key=key).first()
    if taxon is None:
        raise NotFound(f"site {site.name} knows no {kind} {key!r}; `penstock taxonomy list {site.name}` shows them")
    return taxon


def _check(kind: str, key: str) -> None:
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no kind of taxonomy; use folder or location")
    if not key.strip() or len(key) > 80 or not key.isprintable():
        raise UsageError(f"a {kind} needs a key of 1 to 80 printable characters")
    if not any(c.isalnum() for c in key):
        raise UsageError(f"{kind} {key!r} holds no letter or digit; file names need one")


def _check_name(kind: str, name: str) -> None:
    if not name.strip() or len(name) > 120 or not name.isprintable():
        raise UsageError(f"a {kind} needs a name of 1 to 120 printable characters")


def _title(key: str) -> str:
    return " ".join(part[:1].upper() + part[1:] for part in key.replace("_", " ").split())


def _tell(site: Site, at: Any, who: str, line: str) -> None:
    events.record(at, "taxonomy", site=site.pk, who=who, lines=[("INFO", line)])
    taxonomyfiles.copy_after_commit(site)
