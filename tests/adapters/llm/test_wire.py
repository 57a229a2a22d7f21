from __future__ import annotations

import asyncio

import httpx2
import pytest

from penstock.adapters.llm.wire import Wire, base_url, client, forbidden
from penstock.engine.errors import Blocking, UsageError
from tests.stubs.loopback import Exchange, Loopback, Request


class Echo(Loopback):
    """Answers with the Host header, or redirects."""

    async def handle(self, request: Request, exchange: Exchange) -> None:
        if request.path == "/away":
            return await exchange.reply(302, b"", {"Location": "/"})
        await exchange.json(200, {"host": request.headers["host"], "key": request.headers.get("authorization", "")})


async def fetch(server: Echo, host: str, addresses: list[str], path: str = "/", key: str = "") -> httpx2.Response:
    async def resolver(name: str, port: int) -> list[str]:
        assert (name, port) == (host.strip("[]"), server.port)
        return addresses

    async with client(Wire(key=key, resolver=resolver), connect=1.0) as http:
        return await http.get(f"http://{host}:{server.port}{path}")


def get(host: str, addresses: list[str], path: str = "/", key: str = "") -> httpx2.Response:
    async def main() -> httpx2.Response:
        async with Echo() as server:
            return await fetch(server, host, addresses, path, key)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("http://localhost:11434/", "http://localhost:11434"),
        ("https://models.example/api/v1/", "https://models.example/api/v1"),
        ("http://[::1]:11434", "http://[::1]:11434"),
        ("  http://gpu-box  ", "http://gpu-box"),
    ],
)
def test_an_address_is_brought_to_one_form(text: str, url: str) -> None:
    assert base_url(text) == url


@pytest.mark.parametrize(
    "text",
    ["", "ftp://host", "file:///etc/passwd", "http://", "http://host:99999", "http://h/?q=1", "http://h:0"],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="http://host:port"):
        base_url(text)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="name or password") as caught:
        base_url("http://me:hunter2@host:1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1%eth0",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "fd00:ec2::254",
    ],
)
def test_addresses_where_no_model_server_lives_are_forbidden(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.168.1.20", "10.0.0.3", "93.184.216.34"])
def test_loopback_home_and_public_addresses_are_allowed(address: str) -> None:
    assert not forbidden(address)


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_used() -> None:
    assert get("gpu-box.example", ["127.0.0.1"]).json()["host"].startswith("gpu-box.example:")


def test_the_next_address_is_tried_when_one_refuses() -> None:
    assert get("gpu-box.example", ["127.0.0.2", "127.0.0.1"]).status_code == 200


@pytest.mark.parametrize("addresses", [["169.254.169.254"], ["127.0.0.1", "169.254.169.254"]])
def test_a_name_that_leads_to_a_forbidden_address_is_refused_before_anything_is_sent(
    addresses: list[str],
) -> None:
    with pytest.raises(Blocking, match="forbidden"):
        get("rebinding.example", addresses, key="secret")


def test_an_unknown_name_is_a_connection_error() -> None:
    async def unknown(name: str, port: int) -> list[str]:
        raise OSError("no such name")

    async def main() -> None:
        async with client(Wire(resolver=unknown), connect=1.0) as http:
            await http.get("http://nowhere.example/")

    with pytest.raises(httpx2.ConnectError, match=r"nowhere\.example"):
        asyncio.run(main())


def test_a_redirect_is_not_followed() -> None:
    assert get("gpu-box.example", ["127.0.0.1"], path="/away").status_code == 302


def test_the_key_joins_on_the_wire_only() -> None:
    response = get("gpu-box.example", ["127.0.0.1"], key="secret")
    assert response.json()["key"] == "Bearer secret"
    assert "secret" not in str(response.request.headers)


def test_the_system_resolver_finds_the_loopback() -> None:
    async def main() -> int:
        async with Echo() as server, client(Wire(), connect=1.0) as http:
            return (await http.get(f"http://localhost:{server.port}/")).status_code

    assert asyncio.run(main()) == 200
