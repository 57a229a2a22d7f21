from __future__ import annotations

import re
from pathlib import Path

import pytest

from penstock.adapters.remote.ftp import tls
from penstock.engine import failpoint
from penstock.engine.errors import Unavailable
from tests.adapters.remote.conftest import Start
from tests.adapters.remote.far import PLACE, put
from tests.servers import Cutter, certificate

NO_REST = "AllowStoreRestart off"


@pytest.mark.parametrize("command", [b"RNTO", b"RNFR", b"STOR", b"MKD", b"MLST", b"PASV"])
def test_a_connection_that_is_cut_before_any_reply_ends_with_the_file_published_once(
    start: Start, source: Path, command: bytes
) -> None:
    far = start("ftp")
    folder, cutter = far.cut(lambda said: said.startswith(command))
    assert put(folder, source, b"heron")
    assert cutter.cuts == 1
    assert far.bytes_at() == b"heron"
    assert far.names() == [PLACE]
    assert not put(far.folder(), source, b"heron")


def test_a_removal_whose_reply_is_lost_counts_as_done(start: Start, source: Path) -> None:
    from tests.adapters.remote.far import sha

    far = start("ftp")
    put(far.folder(), source, b"heron")
    folder, cutter = far.cut(lambda said: said.startswith(b"DELE"))
    assert folder.remove(PLACE, [sha(b"heron")])
    assert cutter.cuts == 1
    assert far.names() == []


@pytest.mark.parametrize("number", [3, 6, 9, 12, 15, 18, 21, 24])
def test_an_encrypted_connection_that_is_cut_anywhere_ends_with_the_file_published_once(
    start: Start, source: Path, number: int
) -> None:
    far = start("ftps")
    folder, _ = far.cut(_Nth(number))
    put(folder, source, b"heron")
    assert far.bytes_at() == b"heron"
    assert far.names() == [PLACE]


def test_a_server_that_does_not_resume_gets_all_of_it_again(start: Start, source: Path) -> None:
    far = start("ftp", more=NO_REST)
    with failpoint.armed("remote.after_upload=crash"), pytest.raises(failpoint.SimulatedCrash):
        put(far.folder(), source, b"heron" * 1000)
    (part,) = far.names()
    (far.root / part).write_bytes(b"heron")
    assert put(far.folder(), source, b"heron" * 1000)
    assert far.names() == [PLACE]


def test_a_server_without_machine_listings_is_read_as_people_read_it(start: Start, source: Path) -> None:
    far = start("ftp", more="FactsAdvertise off")
    folder = far.folder()
    assert put(folder, source, b"heron")
    assert not put(folder, source, b"heron")
    (far.root / "their file.jpg").write_bytes(b"theirs")
    assert list(folder.walk()) == [PLACE, "their file.jpg"]


def test_a_server_that_hashes_is_asked_instead_of_read(start: Start, source: Path) -> None:
    far = start("ftp", more="LoadModule mod_digest.c\nDigestEngine on\nDigestCache off")
    words: list[str] = []
    data = b"heron" * 400_000
    assert put(far.folder(), source, data, progress=words.append)
    assert words
    assert not any(word.startswith("read back") for word in words)


def test_a_certificate_of_nobody_or_for_another_name_is_refused(start: Start, source: Path) -> None:
    far = start("ftps")
    with pytest.raises(Unavailable, match=r"certificate is not good .*mismatch"):
        far.folder(host="127.0.0.2").test()
    certificate(far.home / "other.crt", far.home / "other.key", "localhost", "127.0.0.1")
    far.ca = "other.crt"
    with pytest.raises(Unavailable, match=r"certificate is not good .*option ca=FILE"):
        put(far.folder(), source, b"heron")
    assert far.names() == []


def test_a_server_without_encryption_gets_no_password_by_ftps(start: Start, tmp_path: Path) -> None:
    far, said = start("ftp"), []
    certificate(far.home / "server.crt", far.home / "server.key", "localhost")
    far.kind = "ftps"
    cutter = Cutter(far.server.port, lambda piece: bool(said.append(piece)))
    far.cutters.append(cutter)
    with pytest.raises(Unavailable, match="refuses"):
        far.folder(cutter.port).test()
    assert re.search(rb"AUTH TLS", b"".join(said))
    assert not re.search(rb"USER|PASS", b"".join(said))


def test_a_file_of_authorities_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"option ca: .*none.pem"):
        tls(tmp_path / "none.pem")


class _Nth:
    """True for the n-th thing that is said."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, _said: bytes) -> bool:
        self._left -= 1
        return self._left == 0
