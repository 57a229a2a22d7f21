"""Users, members, accounts and their credits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Home, Session

if TYPE_CHECKING:
    from penstock.accounts.access import Caller
    from penstock.accounts.models import User

PASSWORD = click.option(
    "--password-file", type=click.Path(path_type=Path, dir_okay=False), help="A file with the password in one line."
)
ACCOUNT = click.option("--account", default="default", show_default=True, metavar="A", help="Of which account.")


def at_terminal(home: Home) -> Caller:
    """Whoever has a terminal on this home owns everything in it."""
    from penstock.accounts.access import Caller

    return Caller(home.who, via="terminal")


def one_line(file: Path, flag: str) -> str:
    """What a file holds, without its end of line. Raises UsageError."""
    from penstock.engine.errors import UsageError

    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{flag}: {file} cannot be read as text") from error
    if not text or "\n" in text:
        raise UsageError(f"{flag}: {file} must hold it in one line")
    return text


@click.group(cls=Family)
def user() -> None:
    """People who sign in, or whom tokens act for."""


@user.command(cls=Leaf)
@click.argument("name")
@click.option("--owner", is_flag=True, help="Make them an owner of the account.")
@ACCOUNT
@PASSWORD
@click.option("--no-password", is_flag=True, help="They cannot sign in; tokens act for them.")
@click.pass_obj
def create(
    session: Session, name: str, owner: bool, account: str, password_file: Path | None, no_password: bool
) -> int:
    """Make the user NAME. The password is asked for, or read from a file; never given on the command line."""
    from penstock.accounts import users
    from penstock.accounts.access import Role
    from penstock.accounts.models import Account

    home = session.open()
    password = "" if no_password else _password(session, password_file)
    me, at = at_terminal(home), home.now()
    made = users.create(me, at, name, password)
    if owner:
        place = Account.objects.filter(name=account).first() or users.create_account(me, at, account)
        users.add_member(me, at, made, place, Role.OWNER)
    session.show.document(_facts(made))
    session.show.say(f"User {name} is made" + (f", and owns the account {account}." if owner else "."))
    if not owner:
        session.show.say(f"Give them an account: penstock member add {name} --account {account} --role operator")
    return 0


def _password(session: Session, file: Path | None) -> str:
    if file is not None:
        return one_line(file, "--password-file")
    from penstock.engine.errors import UsageError

    first, again = (session.show.ask(text, "--password-file", hidden=True) for text in ("Password", "Once more"))
    if first != again:
        raise UsageError("the two passwords differ; try again")
    return first


@user.command(name="list", cls=Leaf)
@click.pass_obj
def list_users(session: Session) -> int:
    """Every user, and what they are members of."""
    from penstock.accounts.models import User

    found = [_facts(one) for one in User.objects.prefetch_related("memberships__account").order_by("name")]
    session.show.document({"users": found})
    if not found:
        session.show.say("There is no user yet. Make one: penstock user create NAME --owner")
    rows = [
        (u["name"], "yes" if u["active"] else "no", "yes" if u["password"] else "no", ", ".join(u["roles"]))
        for u in found
    ]
    session.show.table(("name", "active", "password", "roles"), rows, wrap=("roles",))
    return 0


@user.command(cls=Leaf)
@click.argument("name")
@PASSWORD
@click.pass_obj
def password(session: Session, name: str, password_file: Path | None) -> int:
    """Give the user NAME another password. They are signed out everywhere."""
    from penstock.accounts import users

    home, one = session.open(), users.user_named(name)
    users.set_password(at_terminal(home), home.now(), one, _password(session, password_file))
    session.show.document({"name": name, "changed": True})
    session.show.say(f"The password of {name} is changed; they are signed out everywhere.")
    return 0


@user.command(cls=Leaf)
@click.argument("name")
@click.pass_obj
def disable(session: Session, name: str) -> int:
    """Shut the user NAME out: sessions end, tokens are worth nothing."""
    return _set_active(session, name, False)


@user.command(cls=Leaf)
@click.argument("name")
@click.pass_obj
def enable(session: Session, name: str) -> int:
    """Let the user NAME in again."""
    return _set_active(session, name, True)


def _set_active(session: Session, name: str, active: bool) -> int:
    from penstock.accounts import users

    home = session.open()
    users.set_active(at_terminal(home), home.now(), users.user_named(name), active)
    session.show.document({"name": name, "active": active})
    session.show.say(f"{name} may come in again." if active else f"{name} is shut out.")
    return 0


def _facts(one: User) -> dict[str, Any]:
    roles = [f"{m.account.name}: {m.role}" for m in one.memberships.select_related("account").order_by("account__name")]
    return {"name": one.name, "active": one.active, "password": bool(one.password), "roles": roles}


@click.group(cls=Family)
def account() -> None:
    """Accounts own sites, members and credits."""


@account.command(name="create", cls=Leaf)
@click.argument("name")
@click.pass_obj
def create_account(session: Session, name: str) -> int:
    """Make the account NAME."""
    from penstock.accounts import users

    home = session.open()
    users.create_account(at_terminal(home), home.now(), name)
    session.show.document({"name": name})
    session.show.say(f"Account {name} is made. Make a site of it: penstock site create SITE --account {name} …")
    return 0


@account.command(name="list", cls=Leaf)
@click.pass_obj
def list_accounts(session: Session) -> int:
    """Every account with its sites and members."""
    from penstock.accounts.models import Account

    found = [
        {
            "name": one.name,
            "sites": sorted(one.sites.values_list("name", flat=True)),
            "members": sorted(f"{m.user.name}: {m.role}" for m in one.memberships.select_related("user")),
        }
        for one in Account.objects.order_by("name")
    ]
    session.show.document({"accounts": found})
    rows = [(a["name"], ", ".join(a["sites"]), ", ".join(a["members"])) for a in found]
    session.show.table(("name", "sites", "members"), rows, wrap=("sites", "members"))
    if not found:
        session.show.say("There is no account yet; the first site makes one: penstock site create NAME …")
    return 0


@click.group(cls=Family)
def member() -> None:
    """Who may do what in an account: viewer, operator, owner."""


@member.command(cls=Leaf)
@click.argument("name", metavar="USER")
@ACCOUNT
@click.option("--role", required=True, metavar="R", help="viewer, operator or owner.")
@click.pass_obj
def add(session: Session, name: str, account: str, role: str) -> int:
    """Give USER a role in an account, instead of the one they had."""
    from penstock.accounts import access, users

    home = session.open()
    chosen = access.role_named(role)
    users.add_member(at_terminal(home), home.now(), users.user_named(name), users.account_named(account), chosen)
    session.show.document({"user": name, "account": account, "role": role})
    session.show.say(f"{name} is {role} of {account}.")
    return 0


@member.command(cls=Leaf)
@click.argument("name", metavar="USER")
@ACCOUNT
@click.pass_obj
def remove(session: Session, name: str, account: str) -> int:
    """Take an account away from USER."""
    from penstock.accounts import users

    home = session.open()
    users.remove_member(at_terminal(home), home.now(), users.user_named(name), users.account_named(account))
    session.show.document({"user": name, "account": account, "removed": True})
    session.show.say(f"{name} is no member of {account} any more.")
    return 0


@member.command(name="list", cls=Leaf)
@ACCOUNT
@click.pass_obj
def list_members(session: Session, account: str) -> int:
    """The members of an account."""
    from penstock.accounts import users

    place = users.account_named(account)
    found = [
        {"user": m.user.name, "role": m.role} for m in place.memberships.select_related("user").order_by("user__name")
    ]
    session.show.document({"account": account, "members": found})
    session.show.table(("user", "role"), [(m["user"], m["role"]) for m in found])
    if not found:
        session.show.say(
            f"{account} has no members. Add one: penstock member add USER --account {account} --role owner"
        )
    return 0


@click.group(cls=Family)
def credits() -> None:
    """What an account can spend on runs."""


@credits.command(cls=Leaf)
@click.argument("account")
@click.option("-n", "lines", type=click.IntRange(min=0, max=1000), default=20, help="How many entries.")
@click.pass_obj
def show(session: Session, account: str, lines: int) -> int:
    """The balance of ACCOUNT, and the newest entries of its ledger."""
    from penstock.accounts import credits as ledger
    from penstock.accounts import users

    place = users.account_named(account)
    held = ledger.balance(place.pk)
    entries = [
        {
            "at": f"{one.at:%Y-%m-%d %H:%M}", "kind": one.kind, "credits": ledger.shown(one.available),
            "reserved": ledger.shown(one.reserved), "for": one.run or one.key, "who": one.who, "note": one.note,
        }
        for one in place.credit_entries.order_by("-id")[:lines]
    ]  # fmt: skip
    numbers = {"available": ledger.shown(held.available), "reserved": ledger.shown(held.reserved)}
    session.show.document({"account": account, **numbers, "entries": entries})
    session.show.say(f"{account}: {numbers['available']:g} credits, and {numbers['reserved']:g} reserved.")
    columns = ("at", "kind", "credits", "reserved", "for", "who", "note")
    session.show.table(columns, [[one[name] for name in columns] for one in entries], wrap=("note",))
    return 0


@credits.command(cls=Leaf)
@click.argument("account")
@click.argument("amount", metavar="N")
@click.option("--key", metavar="K", help="The same key never grants twice; a fresh one is made when none is given.")
@click.option("--note", default="", help="Why.")
@click.pass_obj
def grant(session: Session, account: str, amount: str, key: str | None, note: str) -> int:
    """Give ACCOUNT N credits."""
    from penstock.accounts import credits as ledger
    from penstock.accounts import users

    home = session.open()
    place, number = users.account_named(account), ledger.parsed(amount)
    entry = ledger.grant(at_terminal(home), home.now(), place, number, key or home.ids.token(), note)
    has = ledger.shown(ledger.balance(place.pk).available)
    session.show.document({"account": account, "granted": ledger.shown(number), "available": has, "key": entry.key})
    session.show.say(f"{account} has {has:g} credits now (key {entry.key}).")
    return 0
