from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from penstock.adapters.llm import picture
from penstock.adapters.llm.picture import media_type, read_picture
from penstock.engine.errors import ItemError


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"not really a picture")
    assert asyncio.run(read_picture(str(path))) == b"not really a picture"


def test_an_empty_or_huge_or_missing_file_is_the_items_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_BYTES", 10)
    for name, data, code in (
        ("e", b"", "image_size"),
        ("h", b"x" * 11, "image_size"),
        ("m", None, "image_missing"),
    ):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ItemError) as caught:
            asyncio.run(read_picture(str(tmp_path / name)))
        assert caught.value.code == code
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"", "image/jpeg"),
    ],
)
def test_the_first_bytes_name_the_media_type(data: bytes, kind: str) -> None:
    assert media_type(data) == kind
