from __future__ import annotations

import http.client
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from penstock import config
from penstock.accounts import users
from penstock.accounts.access import Caller, Role
from penstock.console.server import address_of, serve, sign_in_link
from penstock.engine.clock import SystemClock
from penstock.engine.errors import Refused, UsageError
from tests.console.rows import site


def ask(link: str, path: str, **headers: str) -> tuple[int, str]:
    """One request."""
    place = urlsplit(link)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def test_it_serves_pages_and_styles_on_a_free_port(served: str) -> None:
    assert urlsplit(served).hostname == "127.0.0.1"
    assert ask(served, "/")[0] == 401
    assert ask(served, f"/signin?{urlsplit(served).query}")[0] == 200
    assert ask(served, "/static/console/console.css")[0] == 200
    assert "htmx" in ask(served, "/static/django_htmx/htmx-2.min.js")[1]
    assert ask(served, "/", Host="evil.example")[0] == 400


def test_what_is_refused_is_logged_without_what_was_sent(served: str, ledger_home: Path) -> None:
    ask(served, "/nothing?secret=1234")
    log = (ledger_home / "logs" / "console.log").read_text(encoding="utf-8")
    assert "/nothing" in log
    assert "1234" not in log
    assert urlsplit(served).query not in log


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4"])
def test_an_address_that_others_can_reach_needs_somebody_who_can_sign_in(ledger_home: Path, host: str) -> None:
    with pytest.raises(UsageError, match="penstock user create NAME --owner"):
        address_of(host, "https://a.example")
    owner()
    with pytest.raises(UsageError, match="public_url"):
        address_of(host, "")
    assert address_of(host, "https://a.example") == host


@pytest.mark.parametrize("host", ["example.org", ""])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        address_of(host, "https://a.example")


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("[::1]", "::1")]
)
def test_the_machines_own_addresses_are_taken(host: str, address: str) -> None:
    assert address_of(host, "") == address


def test_no_link_that_signs_in_is_made_where_others_listen() -> None:
    assert "token=" in sign_in_link("127.0.0.1", 8420, "https://a.example")
    assert sign_in_link("192.168.1.4", 8420, "https://a.example/") == "https://a.example/signin"


def owner() -> None:
    """Somebody who can sign in."""
    me, at = Caller("root", via="terminal"), SystemClock().wall()
    account = users.create_account(me, at, "one")
    users.add_member(me, at, users.create(me, at, "ann", "three grey herons"), account, Role.OWNER)


def test_a_taken_port_is_named(ledger_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Refused, match="--port"):
        serve(config.current(), port=other.getsockname()[1], stop=threading.Event())


def test_people_who_review_at_once_are_all_answered(served: str) -> None:
    site()
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(served, "/signin")[0])) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [200] * 12
