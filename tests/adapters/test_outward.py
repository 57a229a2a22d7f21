from __future__ import annotations

import pytest

from penstock.adapters import outward
from penstock.engine.errors import Unavailable, UsageError

BAD = [
    "", "x", "ftp://a.example", "file:///etc/passwd", "http://", "http://u:p@a.example", "http://a.example@evil/",
    "http://a b", "http://a.example:99999", "javascript:alert(1)", "http://[::1", "http:\\\\a.example", "http://a\n.b",
    "gopher://a", "//a.example",
]  # fmt: skip
INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "0.0.0.0", "169.254.169.254", "::1", "::", "fe80::1",
    "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "fd00:ec2::254", "ff02::1",
]  # fmt: skip
NEVER = ["169.254.169.254", "0.0.0.0", "::", "fe80::1", "224.0.0.1", "ff02::1"]


def leading_to(*addresses: str) -> outward.Resolve:
    return lambda host, port: addresses


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        outward.look(url, resolve=leading_to("93.184.216.34"))


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(outward.Inward):
        outward.look("https://a.example/v1", resolve=leading_to(address))


def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(outward.Inward):
        outward.look("https://a.example", resolve=leading_to("93.184.216.34", "10.0.0.1"))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]"])
def test_other_spellings_of_this_machine_are_what_the_resolver_makes_of_them(host: str) -> None:
    with pytest.raises((outward.Inward, Unavailable)):
        outward.look(f"http://{host}/")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd00::1"])
def test_this_machine_and_its_network_may_be_allowed(address: str) -> None:
    assert outward.look("http://box:11434", near=True, resolve=leading_to(address)).addresses == (address,)


@pytest.mark.parametrize("address", NEVER)
def test_some_places_are_never_allowed(address: str) -> None:
    with pytest.raises(outward.Inward, match="never"):
        outward.look("http://box", near=True, resolve=leading_to(address))


def test_a_public_address_is_told_with_its_port_and_where_to_connect() -> None:
    place = outward.look("https://API.example.org./v1", resolve=leading_to("93.184.216.34", "93.184.216.34"))
    assert (place.name, place.scheme, place.addresses) == ("api.example.org:443", "https", ("93.184.216.34",))


def test_a_name_that_cannot_be_resolved_says_so() -> None:
    with pytest.raises(Unavailable, match=r"no-such-host\.invalid"):
        outward.look("https://no-such-host.invalid")
    with pytest.raises(Unavailable, match="no address"):
        outward.look("https://a.example", resolve=leading_to())
