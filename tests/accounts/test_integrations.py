from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from penstock.accounts import integrations, keyring
from penstock.accounts.access import Caller
from penstock.accounts.models import AuditEntry, Integration
from penstock.adapters.outward import Inward
from penstock.engine.errors import NotFound, UsageError
from penstock.engine.failpoint import SimulatedCrash, armed
from tests.accounts.conftest import AT

ME = Caller("root", via="terminal")
KEY = "sk-canary-9d1f0c3b7a-WXYZ"
URL = "https://api.example.org/v1"


def public(host: str, port: int) -> list[str]:
    return ["93.184.216.34"]


def put(world: Any, secret: str | None = KEY, url: str = URL, **more: Any) -> Integration:
    return integrations.put(ME, AT, world.ours, "openai", url, secret, resolve=public, **more)


def test_a_key_comes_back_for_its_host_and_is_shown_as_four_characters(world: Any) -> None:
    one = put(world)
    assert integrations.key_for(one, public)[1] == KEY
    assert integrations.shown(one) == {"name": "openai", "url": URL, "key": "…WXYZ", "near": False}


def test_a_short_key_is_not_told_by_its_last_characters(world: Any) -> None:
    assert integrations.shown(put(world, "abcd1234"))["key"] == "…"


def test_no_key_is_anywhere_in_the_database_the_audit_log_or_the_errors(world: Any, ledger_home: Any) -> None:
    put(world)
    with pytest.raises(UsageError) as caught:
        put(world, None, "https://evil.example.net/v1")
    assert KEY not in str(caught.value)
    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [path for path in ledger_home.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in str(list(AuditEntry.objects.values()))
    assert oct(keyring.file().stat().st_mode & 0o777) == "0o600"


def test_a_key_stays_with_its_host(world: Any) -> None:
    put(world)
    assert put(world, None, URL + "/other").secret
    for url in ("https://api.example.net/v1", "https://api.example.org:444/v1"):
        with pytest.raises(UsageError, match="give it again"):
            put(world, None, url)
    Integration.objects.update(url="https://evil.example.net/v1")
    with pytest.raises(keyring.Unreadable, match="was given for"):
        integrations.key_for(Integration.objects.get(), public)


def test_an_address_of_this_machine_or_its_network_needs_to_be_allowed(world: Any) -> None:
    near = {"resolve": lambda host, port: ["127.0.0.1"]}
    with pytest.raises(Inward, match="an owner may allow it"):
        integrations.put(ME, AT, world.ours, "ollama", "http://localhost:11434", "", **near)
    one = integrations.put(ME, AT, world.ours, "ollama", "http://localhost:11434", "", near=True, **near)
    assert integrations.key_for(one, near["resolve"])[0].addresses == ("127.0.0.1",)


def test_where_an_address_leads_is_looked_at_again_before_it_is_used(world: Any) -> None:
    one = put(world)
    with pytest.raises(Inward):
        integrations.key_for(one, lambda host, port: ["10.0.0.7"])


def test_rotating_encrypts_everything_anew_and_the_old_key_is_worth_nothing(world: Any) -> None:
    put(world)
    old, token = keyring.keys(), Integration.objects.get().secret
    assert integrations.rotate(ME, AT) == 1
    assert integrations.key_for(Integration.objects.get(), public)[1] == KEY
    assert set(keyring.keys()).isdisjoint(old)
    with pytest.raises(keyring.Unreadable):
        keyring.decrypted(token)


POINTS = [
    "keyring.before_rename", "keyring.after_rename", "integrations.rotate.before_commit",
    "integrations.rotate.after_commit", "keyring.before_rename@2", "keyring.after_rename@2",
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_rotation_that_is_killed_loses_no_secret_and_is_finished_by_the_next(world: Any, point: str) -> None:
    put(world)
    name, _, nth = point.partition("@")
    with pytest.raises(SimulatedCrash), armed(f"{name}=crash@{nth or 1}"):
        integrations.rotate(ME, AT)
    assert integrations.key_for(Integration.objects.get(), public)[1] == KEY
    integrations.rotate(ME, AT)
    assert integrations.key_for(Integration.objects.get(), public)[1] == KEY
    assert len(keyring.keys()) == 1


def test_without_its_keys_a_home_says_so(world: Any) -> None:
    one = put(world)
    keyring.file().write_text("", encoding="ascii")
    with pytest.raises(UsageError, match="holds no key"):
        integrations.key_for(one, public)
    keyring.file().write_text("nonsense", encoding="ascii")
    with pytest.raises(UsageError, match="is no key"):
        integrations.key_for(one, public)
    keyring.file().unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        integrations.key_for(one, public)


def test_an_integration_that_is_removed_is_gone(world: Any) -> None:
    put(world)
    integrations.remove(ME, AT, world.ours, "openai")
    with pytest.raises(NotFound):
        integrations.named(world.ours, "openai")
    assert list(integrations.listed(world.ours)) == []


@pytest.mark.parametrize("secret", [" x", "a\nb", "x" * 5000])
def test_what_is_no_key_is_refused(world: Any, secret: str) -> None:
    with pytest.raises(UsageError, match="one line"):
        put(world, secret)


def test_those_who_set_and_rotate_at_once_lose_no_key(world: Any) -> None:
    def work(n: int) -> None:
        try:
            if n % 3 == 2:
                integrations.rotate(ME, AT)
            integrations.put(ME, AT, world.ours, f"p{n}", URL, f"{KEY}-{n}", resolve=public)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [integrations.key_for(integrations.named(world.ours, f"p{n}"), public)[1] for n in range(9)]
    assert found == [f"{KEY}-{n}" for n in range(9)]
