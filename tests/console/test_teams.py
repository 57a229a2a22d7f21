from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from penstock.accounts import credits, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import AuditEntry, CreditEntry, Membership, User
from tests.console.rows import signed_in, site

AT = datetime(2026, 11, 25, 9, 15, tzinfo=UTC)
ME = Caller("root", via="terminal")
PASSWORD = "a long enough password, twice"


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def owned() -> Any:
    """The default account with an owner, ann."""
    account = site().account
    users.add_member(ME, AT, users.create(ME, AT, "ann"), account, Role.OWNER)
    return account


def test_an_account_without_members_says_how_to_add_one(ledger_home: Path) -> None:
    site()
    text = signed_in().get("/accounts/default/members").content.decode()
    assert "Nobody is a member yet" in text
    assert "penstock member add USER --account default" in words(text)


def test_a_password_makes_a_new_member_and_a_name_adds_one_who_is_there(ledger_home: Path) -> None:
    account, client = owned(), signed_in()
    sent = {"name": "bob", "role": "operator", "password": PASSWORD}
    assert client.post("/accounts/default/members", sent).status_code == 302
    users.create(ME, AT, "eve")
    assert client.post("/accounts/default/members", {"name": "eve", "role": "viewer"}).status_code == 302
    found = Membership.objects.filter(account=account).values_list("user__name", "role")
    assert dict(found) == {"ann": "owner", "bob": "operator", "eve": "viewer"}
    assert AuditEntry.objects.filter(verb="member.add", subject="bob").count() == 1


def test_a_bad_member_is_told_and_leaves_no_user_behind(ledger_home: Path) -> None:
    owned()
    for sent, told in (
        ({"name": "bob", "role": "operator", "password": "short"}, "password"),
        ({"name": "bob", "role": "king", "password": PASSWORD}, "no role"),
        ({"name": "nobody", "role": "viewer"}, "no user"),
        ({"name": "ann", "role": "viewer"}, "only owner"),
        ({"name": "ann", "verb": "remove"}, "only owner"),
        ({"name": "ann", "role": "owner", "password": PASSWORD}, "already"),
    ):
        answer = signed_in().post("/accounts/default/members", sent)
        assert answer.status_code == 422, sent
        assert told in answer.content.decode(), sent
        assert PASSWORD not in answer.content.decode()
    assert User.objects.count() == 1
    assert Membership.objects.get().role == "owner"


def test_a_member_is_removed(ledger_home: Path) -> None:
    account = owned()
    users.add_member(ME, AT, users.create(ME, AT, "bob"), account, Role.VIEWER)
    signed_in().post("/accounts/default/members", {"name": "bob", "verb": "remove"})
    assert list(Membership.objects.values_list("user__name", flat=True)) == ["ann"]


def test_credits_are_granted_once_per_form_and_listed(ledger_home: Path) -> None:
    account, client = owned(), signed_in()
    text = client.get("/accounts/default/credits").content.decode()
    assert "Nothing was granted or spent yet" in text
    key = re.search(r'name="key" value="(\w+)"', text)
    assert key is not None
    sent = {"key": key[1], "amount": "12.5", "note": "welcome"}
    for _ in range(2):
        assert client.post("/accounts/default/credits", sent).status_code == 302
    assert credits.balance(account.pk).available == 12_500
    assert CreditEntry.objects.count() == 1
    text = words(client.get("/accounts/default/credits").content.decode())
    assert "Available 12.5 Reserved 0" in text
    assert "grant +12.5 0 welcome" in text


def test_a_bad_amount_is_told(ledger_home: Path) -> None:
    owned()
    for amount in ("", "-1", "0", "much", "0.0001", "1e30"):
        answer = signed_in().post("/accounts/default/credits", {"key": "k", "amount": amount})
        assert answer.status_code == 422, amount
    assert not CreditEntry.objects.exists()


def test_the_audit_log_is_read_by_who_and_what_a_page_at_a_time(ledger_home: Path) -> None:
    account = owned()
    for n in range(55):
        users.add_member(ME, AT, users.create(ME, AT, f"u{n}"), account, Role.VIEWER)
    text = signed_in().get("/accounts/default/audit").content.decode()
    assert words(text).count("member.add") == 50
    assert 'href="?page=2"' in text
    second = signed_in().get("/accounts/default/audit?page=2").content.decode()
    assert words(second).count("member.add") == 6
    assert "No entry is like that" in signed_in().get("/accounts/default/audit?who=nobody").content.decode()
    assert "user.create" in signed_in().get("/audit?verb=user.").content.decode()
