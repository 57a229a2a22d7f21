"""Users and what they are members of. Each change is audited in its own transaction."""

from __future__ import annotations

from datetime import datetime

from penstock.accounts import audit, passwords
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import SLUG_RULE, Account, Membership, User, is_slug
from penstock.accounts.tx import commits, write
from penstock.engine.errors import NotFound, Refused, UsageError

commits("accounts.user", "accounts.password", "accounts.user_active", "accounts.account")
commits("accounts.member", "accounts.member_gone")


def create(caller: Caller, at: datetime, name: str, password: str = "") -> User:
    """Make a user; without a password only tokens act for them. Raises UsageError on a bad or taken name."""
    if not is_slug(name):
        raise UsageError(f"{name[:60]!r} cannot name a user; use {SLUG_RULE}")
    stored = passwords.hashed(password, name) if password else ""
    with write("accounts.user"):
        if User.objects.filter(name=name).exists():
            raise UsageError(f"there is a user {name!r} already; choose another name")
        user = User.objects.create(name=name, password=stored, created_at=at)
        audit.note(at, caller, "user.create", name, password=bool(password))
    return user


def set_password(caller: Caller, at: datetime, user: User, password: str) -> None:
    """Change it, and sign the user out everywhere."""
    stored = passwords.hashed(password, user.name)
    with write("accounts.password"):
        User.objects.filter(pk=user.pk).update(password=stored)
        user.sessions.all().delete()
        audit.note(at, caller, "user.password", user.name)


def set_active(caller: Caller, at: datetime, user: User, active: bool) -> None:
    """A user who is not active is signed out everywhere, and their tokens are worth nothing until they are again."""
    with write("accounts.user_active"):
        User.objects.filter(pk=user.pk).update(active=active)
        if not active:
            user.sessions.all().delete()
        audit.note(at, caller, "user.enable" if active else "user.disable", user.name)


def user_named(name: str) -> User:
    """The user. Raises NotFound."""
    user = User.objects.filter(name=name).first()
    if user is None:
        raise NotFound(f"there is no user {name[:60]!r}; `penstock user list` names them")
    return user


def someone_can_sign_in() -> bool:
    """Whether an active user has a password and owns an account: what serving others needs."""
    people = User.objects.filter(active=True, memberships__role=Role.OWNER).exclude(password="")
    return people.exists()


def create_account(caller: Caller, at: datetime, name: str) -> Account:
    """Make an account. Raises UsageError on a bad or taken name."""
    if not is_slug(name):
        raise UsageError(f"{name[:60]!r} cannot name an account; use {SLUG_RULE}")
    with write("accounts.account"):
        if Account.objects.filter(name=name).exists():
            raise UsageError(f"there is an account {name!r} already; choose another name")
        account = Account.objects.create(name=name)
        audit.note(at, caller, "account.create", name, account=account.pk)
    return account


def account_named(name: str) -> Account:
    """The account. Raises NotFound."""
    account = Account.objects.filter(name=name).first()
    if account is None:
        known = ", ".join(Account.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise NotFound(f"there is no account {name[:60]!r}; accounts: {known}")
    return account


def add_member(caller: Caller, at: datetime, user: User, account: Account, role: Role) -> Membership:
    """Give the user that role in the account, instead of the one they had. Raises Refused for the last owner."""
    with write("accounts.member"):
        if role is not Role.OWNER:
            _keep_an_owner(user, account)
        member, _ = Membership.objects.update_or_create(user=user, account=account, defaults={"role": role})
        audit.note(at, caller, "member.add", user.name, account=account.pk, role=role)
    return member


def remove_member(caller: Caller, at: datetime, user: User, account: Account) -> None:
    """Take the account away from the user. Raises NotFound, or Refused for the last owner."""
    with write("accounts.member_gone"):
        _keep_an_owner(user, account)
        gone, _ = Membership.objects.filter(user=user, account=account).delete()
        if not gone:
            raise NotFound(f"{user.name} is no member of {account.name}")
        audit.note(at, caller, "member.remove", user.name, account=account.pk)


def _keep_an_owner(user: User, account: Account) -> None:
    owners = Membership.objects.filter(account=account, role=Role.OWNER)
    if owners.filter(user=user).exists() and not owners.exclude(user=user).exists():
        raise Refused(f"{user.name} is the only owner of {account.name}; make another one first")
