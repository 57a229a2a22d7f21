"""The places that a site publishes to: add, list, test, remove."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Home, Session

if TYPE_CHECKING:
    from penstock.accounts.models import Site
    from penstock.publish.models import Target

TAKE_NO_SECRET = ("folder", "sqlite")


@click.group(cls=Family)
def target() -> None:
    """The places that a site publishes to."""


@target.command(cls=Leaf)
@click.argument("site")
@click.argument("name")
@click.option("--kind", required=True, help="folder, ftps, sftp, ftp, mysql, postgres or sqlite.")
@click.option(
    "--url",
    required=True,
    help="file:///srv/photos, ftps://user@host/path, sftp://user@host/path, mysql://user@host/database …",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="K=V",
    help="Again and again: ca=FILE (ftps, mysql, postgres); host_key=, known_hosts=, key_file= (sftp); "
    "plaintext=yes (ftp); timeout= (files); table= (rows); make=yes, tls=verify|off "
    "(mysql, postgres); mirror=yes (sqlite).",
)
@click.option("--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="A file with the password.")
@click.pass_obj
def add(
    session: Session, site: str, name: str, kind: str, url: str, options: tuple[str, ...], secret_file: Path | None
) -> int:
    """Add the target NAME to SITE.

    A password is never given on the command line: it comes from --secret-file, from the environment
    (PENSTOCK_SECRET_SITE_NAME in capitals), or is asked for."""
    from penstock.publish import targets

    home, owner = session.open(), _site(site)
    secret = _secret(owner, name, kind, secret_file, _options(options))
    made = targets.add(owner, name, kind, url, _options(options), secret)
    _remember(home, owner, f"Target {name} added: {kind} at {made.url}")
    session.show.document(_facts(made))
    session.show.say(f"Target {name} of {site}: {kind} at {made.url}.")
    session.show.say(f"Try it: penstock target test {site} {name}")
    return 0


def _secret(owner: Site, name: str, kind: str, file: Path | None, options: dict[str, str]) -> str:
    """The target's password; asked for where a person sits and the kind takes one."""
    from penstock.engine.errors import UsageError
    from penstock.publish import credentials

    if kind in TAKE_NO_SECRET:
        if file is not None:
            raise UsageError(f"--secret-file: a {kind} target takes no password; leave it out")
        return ""
    secret = credentials.given(owner.name, name, file)
    if secret or "key_file" in options or not sys.stdin.isatty():
        return secret
    asked: str = click.prompt("Password (empty = none)", default="", show_default=False, hide_input=True, err=True)
    return asked


def _options(options: tuple[str, ...]) -> dict[str, str]:
    from penstock.engine.errors import UsageError

    chosen = {}
    for option in options:
        key, sign, value = option.partition("=")
        if not sign or not key:
            raise UsageError(f"--option {option!r}: write K=V")
        if any(word in key.casefold() for word in ("pass", "secret", "token")):
            raise UsageError(f"--option {key}: passwords do not belong on the command line; use --secret-file")
        chosen[key] = value
    return chosen


@target.command(name="list", cls=Leaf)
@click.argument("site")
@click.pass_obj
def list_targets(session: Session, site: str) -> int:
    """The targets of SITE, in the order in which they are published to."""
    from penstock.publish import targets

    found = [_facts(one) for one in targets.listed(_site(site))]
    session.show.document({"site": site, "targets": found})
    if not found:
        session.show.say(f"Site {site} has no target. Add one: penstock target add {site} NAME --kind folder --url …")
    session.show.table(("name", "kind", "url"), [(t["name"], t["kind"], t["url"]) for t in found], wrap=("url",))
    return 0


@target.command(cls=Leaf)
@click.argument("site")
@click.argument("name")
@click.pass_obj
def test(session: Session, site: str, name: str) -> int:
    """Try to reach and write the target NAME of SITE. Exit code 5 when it cannot be."""
    from penstock.publish import targets

    sentence = targets.test(targets.named(_site(site), name))
    session.show.document({"target": name, "ok": True, "detail": sentence})
    session.show.say(f"{name}: {sentence}")
    return 0


@target.command(cls=Leaf)
@click.argument("site")
@click.argument("name")
@click.option("--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="A file with the password.")
@click.pass_obj
def secret(session: Session, site: str, name: str, secret_file: Path | None) -> int:
    """Change the password of the target NAME.

    It comes from --secret-file, or is typed where nobody sees it. Empty: none is kept."""
    from penstock.engine.errors import UsageError
    from penstock.publish import credentials, targets

    home, owner, show = session.open(), _site(site), session.show
    chosen = targets.named(owner, name)
    if chosen.kind in TAKE_NO_SECRET:
        raise UsageError(f"a {chosen.kind} target takes no password")
    question = f"Password of {name} (empty: none)"
    read = credentials.given(site, name, secret_file) if secret_file else ""
    given = read or show.ask(question, "--secret-file", hidden=True)
    credentials.keep(chosen, given) if given else credentials.forget(chosen)
    word = "kept" if given else "forgotten"
    _remember(home, owner, f"Target {name}: password {word}")
    show.document({"target": name, "secret": bool(given)})
    show.say(f"The password of {name} is {word}. Try it: penstock target test {site} {name}")
    return 0


@target.command(cls=Leaf)
@click.argument("site")
@click.argument("name")
@click.pass_obj
def remove(session: Session, site: str, name: str) -> int:
    """Forget the target NAME of SITE. What was published there stays there."""
    from penstock.publish import targets

    home, owner = session.open(), _site(site)
    targets.remove(owner, name)
    _remember(home, owner, f"Target {name} removed")
    session.show.document({"site": site, "removed": name})
    session.show.say(f"Target {name} of {site} is removed; what was published there stays.")
    return 0


def _site(name: str) -> Site:
    from penstock.accounts.models import site_named

    return site_named(name)


def _facts(one: Target) -> dict[str, Any]:
    from penstock.records.incident import hidden

    facts: dict[str, Any] = hidden({"name": one.name, "kind": one.kind, "url": one.url, "options": one.options})
    return facts


def _remember(home: Home, owner: Site, line: str) -> None:
    from penstock.ledger import events, runlog

    events.record(home.now(), "target", site=owner.pk, who=home.who, lines=[("INFO", runlog.redact(line))])
