"""Caption, keywords and rights as other programs read them: IPTC-IIM (UTF-8) and XMP. Pure, and always the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from penstock.adapters.photo import exif

_MOST = {"Caption": 2000, "alt_text": 1000, "Headline": 256, "Artist": 200, "Copyright": 500}
_KEYWORDS, _KEYWORD = 60, 64  # how many, and bytes of each
_NO_CHARACTERS = re.compile("[\ufffe\uffff\U0001fffe\U0001ffff]")
_IIM = (("Headline", 105, 256), ("Caption", 120, 2000), ("Artist", 80, 32), ("Copyright", 116, 128))
_UTF_8 = b"\x1b%G"
_NAMES = (
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("photoshop", "http://ns.adobe.com/photoshop/1.0/"),
    ("xmpRights", "http://ns.adobe.com/xap/1.0/rights/"),
    ("Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"),
)


def iptc(fields: Mapping[str, Any]) -> bytes:
    """An APP13 segment with caption, headline, keywords, by-line and copyright; b"" when there is none of them.

    Too long for IIM (some fields hold 32 bytes) is cut at a character; XMP has it whole."""
    known = _clean(fields)
    body = b"".join(_dataset(2, number, _cut(known[name], most)) for name, number, most in _IIM if known[name])
    body += b"".join(_dataset(2, 25, _cut(word, _KEYWORD)) for word in keywords(fields))
    if not body:
        return b""
    whole = _dataset(1, 90, _UTF_8) + _dataset(2, 0, b"\x00\x04") + body
    padded = whole + b"\x00" * (len(whole) % 2)
    resource = b"Photoshop 3.0\x00" + b"8BIM\x04\x04\x00\x00" + len(whole).to_bytes(4, "big") + padded
    return b"\xff\xed" + (len(resource) + 2).to_bytes(2, "big") + resource


def xmp(fields: Mapping[str, Any]) -> bytes:
    """An XMP packet with the same, and the text for those who do not see the picture."""
    inner = "".join(_properties(_clean(fields), keywords(fields)))
    if not inner:
        return b""
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in _NAMES)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def keywords(fields: Mapping[str, Any]) -> list[str]:
    """The keywords, clean, each once."""
    found = (_text(word, 200) for word in str(fields.get("Keywords") or "").split(","))
    return list(dict.fromkeys(word for word in found if word))[:_KEYWORDS]


def _clean(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(fields.get(name), most) for name, most in _MOST.items()}


def _text(value: object, most: int) -> str:
    return _NO_CHARACTERS.sub("", exif.plain(str(value or ""), most))


def _dataset(record: int, number: int, value: bytes) -> bytes:
    return bytes((0x1C, record, number)) + len(value).to_bytes(2, "big") + value


def _cut(text: str, most: int) -> bytes:
    return text.encode()[:most].decode("utf-8", "ignore").encode()


def _properties(known: Mapping[str, str], words: list[str]) -> Iterator[str]:
    if known["Caption"]:
        yield _lang("dc:description", known["Caption"])
    if known["alt_text"]:
        yield _lang("Iptc4xmpCore:AltTextAccessibility", known["alt_text"])
    if known["Headline"]:
        yield f"<photoshop:Headline>{escape(known['Headline'])}</photoshop:Headline>"
    if words:
        yield _list("dc:subject", "Bag", words)
    if known["Artist"]:
        yield _list("dc:creator", "Seq", [known["Artist"]])
    if known["Copyright"]:
        yield _lang("dc:rights", known["Copyright"])
        yield "<xmpRights:Marked>True</xmpRights:Marked>"


def _lang(name: str, text: str) -> str:
    return f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li></rdf:Alt></{name}>'


def _list(name: str, kind: str, texts: list[str]) -> str:
    items = "".join(f"<rdf:li>{escape(text)}</rdf:li>" for text in texts)
    return f"<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"
