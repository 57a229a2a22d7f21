"""Providers that a site uses. Their keys are encrypted at rest, for the host they were given for and no other."""

from __future__ import annotations

import json
from datetime import datetime

from django.db.models import QuerySet

from penstock.accounts import audit, keyring
from penstock.accounts.access import Caller
from penstock.accounts.models import SLUG_RULE, Integration, Site, is_slug
from penstock.accounts.tx import commits, write
from penstock.adapters import outward
from penstock.engine.errors import NotFound, UsageError

commits("integrations.set", "integrations.remove", "integrations.rotate")

LONGEST = 4096  # characters of a key


def put(
    caller: Caller,
    at: datetime,
    site: Site,
    name: str,
    url: str,
    secret: str | None = None,
    *,
    near: bool = False,
    resolve: outward.Resolve | None = None,
) -> Integration:
    """Set a provider. `secret` None keeps the key, as long as the host:port stays the same; "" removes it.

    Raises UsageError, Inward for an address on this machine or its network unless it is allowed (`near`), Unavailable
    when its name does not resolve."""
    if not is_slug(name) or len(name) > 40:
        raise UsageError(f"{name[:40]!r} cannot name an integration; use {SLUG_RULE}")
    place = outward.look(url, near=near, resolve=resolve)
    with keyring.alone(), write("integrations.set"):
        old = Integration.objects.filter(site=site, name=name).first()
        values = {"url": url, "near": near, "changed_at": at, **_secret(old, place.name, secret)}
        one, _ = Integration.objects.update_or_create(site=site, name=name, defaults=values)
        changed = "kept" if secret is None else "set" if secret else "removed"
        audit.note(at, caller, "integration.set", name, site=site, host=place.name, near=near, key=changed)
    return one


def _secret(old: Integration | None, host: str, secret: str | None) -> dict[str, str]:
    if secret is None:
        if old is not None and old.secret and _host(old.url) != host:
            raise UsageError(f"the key was given for {_host(old.url)}; give it again for {host}, or an empty one")
        return {}
    if not secret:
        return {"secret": "", "last4": ""}
    if len(secret) > LONGEST or not secret.isprintable() or secret.strip() != secret:
        raise UsageError(f"a key is one line of at most {LONGEST} characters, without spaces around it")
    plain = json.dumps({"host": host, "key": secret}).encode()
    return {"secret": keyring.encrypted(plain), "last4": secret[-4:] if len(secret) >= 12 else ""}


def _host(url: str) -> str:
    _, host, port = outward.parts(url)
    return f"{host}:{port}"


def key_for(one: Integration, resolve: outward.Resolve | None = None) -> tuple[outward.Place, str]:
    """Where to connect, and with which key ("" for none). Looks anew where the address leads.

    Raises Inward, Unavailable, or Unreadable: also when the key was given for another host."""
    place = outward.look(one.url, near=one.near, resolve=resolve)
    if not one.secret:
        return place, ""
    told = json.loads(keyring.decrypted(one.secret))
    if told["host"] != place.name:
        raise keyring.Unreadable(f"the key of {one.name} was given for {told['host']}, not for {place.name}")
    return place, str(told["key"])


def named(site: Site, name: str) -> Integration:
    """The integration. Raises NotFound."""
    one = Integration.objects.filter(site=site, name=name).first()
    if one is None:
        raise NotFound(f"site {site.name} has no integration {name[:40]!r}")
    return one


def listed(site: Site) -> QuerySet[Integration]:
    """Those of a site, by name."""
    return Integration.objects.filter(site=site).order_by("name")


def shown(one: Integration) -> dict[str, object]:
    """What may be seen of it: of the key its last four characters, when it is long enough not to be told by them."""
    key = f"…{one.last4}" if one.secret else ""
    return {"name": one.name, "url": one.url, "key": key, "near": one.near}


def remove(caller: Caller, at: datetime, site: Site, name: str) -> None:
    """Forget it and its key. Raises NotFound."""
    one = named(site, name)
    with write("integrations.remove"):
        one.delete()
        audit.note(at, caller, "integration.remove", name, site=site)


def rotate(caller: Caller, at: datetime) -> int:
    """A new key, everything encrypted anew with it, then the old keys go. Answers how many secrets there were.

    Killed anywhere it leaves keys that decrypt everything; run again, it finishes."""
    with keyring.alone():
        keyring.add_key()
        with write("integrations.rotate"):
            held = list(Integration.objects.exclude(secret="").order_by("pk"))
            for one in held:
                one.secret = keyring.encrypted(keyring.decrypted(one.secret))
                one.save(update_fields=["secret"])
            audit.note(at, caller, "keys.rotate", secrets=len(held))
        keyring.drop_old_keys()
    return len(held)
