from __future__ import annotations

import pytest

from penstock.adapters.remote.address import Address, canonical, parsed, seconds
from penstock.engine.errors import UsageError


@pytest.mark.parametrize(
    ("url", "address", "stored"),
    [
        ("ftps://ann@h.example/a%20b/", Address("ftps", "ann", "h.example", 21, "/a b/"), "ftps://ann@h.example/a%20b"),
        ("ftps://h:2121", Address("ftps", "", "h", 2121, ""), "ftps://h:2121/"),
        ("ftps://a%40b@[::1]:21//top", Address("ftps", "a@b", "::1", 21, "//top"), "ftps://a%40b@[::1]//top"),
    ],
)
def test_an_address_is_read_and_stored_in_one_way(url: str, address: Address, stored: str) -> None:
    assert parsed("ftps", url, 21) == address
    assert canonical(address, 21) == stored
    assert canonical(parsed("ftps", stored, 21), 21) == stored


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftps://ann:hush@h/", "holds a password"),
        ("http://h/", "is no ftps address; give ftps://user@host/path"),
        ("ftps:///x", "is no ftps address"),
        ("ftps://h/?a=b", "is no ftps address"),
        ("ftps://h:99999/", "is no address"),
        ("ftps://h/a%0d%0aDELE", "control characters"),
        ("ftps://a%0ab@h/", "control characters"),
        ("ftps://h/a/%2e%2e/b", r"no \.\. in the path"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_a_password(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parsed("ftps", url, 21)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "46", "nan", "soon", "inf"])
def test_a_timeout_is_a_sane_number_of_seconds(value: str) -> None:
    assert seconds({"timeout": "12.5"}) == 12.5
    assert seconds({}) == 30
    with pytest.raises(UsageError, match="option timeout"):
        seconds({"timeout": value})
