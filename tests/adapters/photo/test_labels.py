from __future__ import annotations

import xml.etree.ElementTree as tree

import pytest

from penstock.adapters.photo.labels import iptc, keywords, xmp

EVIL = {
    "Caption": 'a\x00b\x1c\x02\x50\r\nc</rdf:li><script>&"\u202e\ufffe',
    "alt_text": "]]><x:evil/>",
    "Keywords": "<b>, \x1c\x02\x19, a&b, ,a&b",
    "Artist": "=HYPERLINK(1)",
    "Copyright": "'; DROP TABLE x; --",
}


def datasets(segment: bytes) -> list[tuple[int, int, bytes]]:
    """Every record of an APP13 segment, read as readers do: by length, to the very end."""
    assert segment[:2] == b"\xff\xed"
    assert int.from_bytes(segment[2:4], "big") == len(segment) - 2
    head = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00"
    assert segment[4:].startswith(head)
    body = segment[4 + len(head) + 4 :]
    size = int.from_bytes(segment[4 + len(head) : 4 + len(head) + 4], "big")
    assert len(body) == size + size % 2
    found, body = [], body[:size]
    while body:
        assert body[0] == 0x1C
        length = int.from_bytes(body[3:5], "big")
        found.append((body[1], body[2], body[5 : 5 + length]))
        body = body[5 + length :]
    return found


def test_hostile_text_stays_inside_its_field() -> None:
    found = datasets(iptc(EVIL))
    assert [(record, number) for record, number, _ in found] == [
        (1, 90), (2, 0), (2, 120), (2, 80), (2, 116), (2, 25), (2, 25),
    ]  # fmt: skip
    assert all(char.isprintable() for _, _, value in found[2:] for char in value.decode())
    packet = xmp(EVIL)
    description = tree.fromstring(packet.decode())[0][0]
    assert [child.tag.rpartition("}")[2] for child in description] == [
        "description", "AltTextAccessibility", "subject", "creator", "rights", "Marked",
    ]  # fmt: skip
    assert description[1][0][0].text == "]]><x:evil/>"
    assert not any(byte < 32 for byte in packet)


def test_a_value_that_is_too_long_is_cut_at_a_character() -> None:
    found = datasets(iptc({"Artist": "é" * 40, "Keywords": "日" * 30, "Caption": "x" * 5000}))
    assert found[2][2] == b"x" * 2000
    assert found[3][2] == "é".encode() * 16
    assert found[4][2] == "日".encode() * 21


@pytest.mark.parametrize("fields", [{}, {"Caption": "", "Keywords": " , "}, {"Caption": None}])
def test_where_nothing_is_known_nothing_is_written(fields: dict[str, str]) -> None:
    assert iptc(fields) == b""
    assert xmp(fields) == b""


def test_keywords_are_clean_and_each_is_there_once() -> None:
    assert keywords({"Keywords": " sea,  gull ,sea,,\x07"}) == ["sea", "gull"]
    assert len(keywords({"Keywords": ",".join(map(str, range(500)))})) == 60
