"""Providers that a site uses, with their keys; and the keys that those are encrypted with."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.people import at_terminal, one_line
from penstock.cli.session import Session


@click.group(cls=Family)
def integration() -> None:
    """Providers that a site uses: their addresses and keys."""


@integration.command(name="set", cls=Leaf)
@click.argument("site")
@click.argument("name", metavar="KEY")
@click.option("--url", required=True, help="For example https://api.example.org/v1")
@click.option("--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="A file with the provider's key.")
@click.option("--keep", is_flag=True, help="Keep the key that is set (for the same host only).")
@click.option("--no-secret", is_flag=True, help="The provider takes no key.")
@click.option("--allow-local", is_flag=True, help="Allow this very host:port on this machine or its network.")
@click.pass_obj
def put(
    session: Session, site: str, name: str, url: str, secret_file: Path | None, keep: bool, no_secret: bool,
    allow_local: bool,
) -> int:  # fmt: skip
    """Set the provider KEY of SITE. Its key is asked for, or read from a file; never given on the command line."""
    from penstock.accounts import integrations
    from penstock.accounts.models import site_named

    home = session.open()
    if keep:
        secret = None
    elif no_secret:
        secret = ""
    elif secret_file is not None:
        secret = one_line(secret_file, "--secret-file")
    else:
        secret = session.show.ask("Key", "--secret-file, --keep or --no-secret", hidden=True)
    made = integrations.put(at_terminal(home), home.now(), site_named(site), name, url, secret, near=allow_local)
    shown = integrations.shown(made)
    session.show.document({"site": site, **shown})
    session.show.say(f"{name} of {site}: {shown['url']}" + (f", key {shown['key']}." if shown["key"] else ", no key."))
    return 0


@integration.command(name="list", cls=Leaf)
@click.argument("site")
@click.pass_obj
def list_integrations(session: Session, site: str) -> int:
    """The providers of SITE; of their keys the last four characters."""
    from penstock.accounts import integrations
    from penstock.accounts.models import site_named

    found = [integrations.shown(one) for one in integrations.listed(site_named(site))]
    session.show.document({"site": site, "integrations": found})
    columns = ("name", "url", "key", "near")
    session.show.table(columns, [[one[name] for name in columns] for one in found], wrap=("url",))
    if not found:
        session.show.say(f"Site {site} uses no provider. Set one: penstock integration set {site} KEY --url …")
    return 0


@integration.command(cls=Leaf)
@click.argument("site")
@click.argument("name", metavar="KEY")
@click.pass_obj
def remove(session: Session, site: str, name: str) -> int:
    """Forget the provider KEY of SITE and its key."""
    from penstock.accounts import integrations
    from penstock.accounts.models import site_named

    home = session.open()
    integrations.remove(at_terminal(home), home.now(), site_named(site), name)
    session.show.document({"site": site, "removed": name})
    session.show.say(f"{name} of {site} is forgotten, and its key with it.")
    return 0


@click.group(cls=Family)
def keys() -> None:
    """The keys of this home that encrypt the providers' keys."""


@keys.command(cls=Leaf)
@click.pass_obj
def rotate(session: Session) -> int:
    """A new key: every secret is encrypted anew with it, then the old one goes. Backups hold the old one's secrets."""
    from penstock.accounts import integrations, keyring

    home = session.open()
    n = integrations.rotate(at_terminal(home), home.now())
    session.show.document({"rotated": True, "secrets": n, "file": str(keyring.file())})
    session.show.say(f"{n} secrets are encrypted with a new key, in {keyring.file()}.")
    return 0
