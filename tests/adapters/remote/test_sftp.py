from __future__ import annotations

from pathlib import Path

import pytest

from penstock.adapters.remote.sftp import fingerprint
from penstock.engine.errors import Unavailable
from tests.adapters.remote.conftest import Start
from tests.adapters.remote.far import PLACE, Far, put
from tests.servers import PASSWORD, free_port


@pytest.fixture
def server(start: Start) -> Far:
    return start("sftp")


@pytest.mark.parametrize("number", range(6, 60, 6))
def test_a_connection_that_is_cut_anywhere_ends_with_the_file_published_once(
    server: Far, source: Path, number: int
) -> None:
    left = iter(range(number, -1, -1))
    folder, _ = server.cut(lambda _said: next(left, -1) == 0)
    server.trust["host_key"] = _seen(server)
    put(folder, source, b"heron")
    assert server.bytes_at() == b"heron"
    assert server.names() == [PLACE]


def test_a_server_that_nobody_knows_is_refused_with_its_fingerprint(server: Far, tmp_path: Path) -> None:
    server.trust.update(host_key="", known_hosts=tmp_path / "known_hosts")
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(Unavailable, match=r"is in no known_hosts file; .*--option host_key=SHA256:") as caught:
        server.folder().test()
    assert _seen(server) in str(caught.value)


def test_a_server_with_another_key_than_the_known_one_is_refused(server: Far, tmp_path: Path) -> None:
    kind, key = (server.home / "user_key.pub").read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"[localhost]:{server.server.port} {kind} {key}\n")
    server.trust.update(host_key="", known_hosts=known)
    with pytest.raises(Unavailable, match="another than the one that is known"):
        server.folder().test()
    for wrong in (f"{kind} {key}", "SHA256:" + "x" * 43):
        server.trust.update(host_key=wrong, known_hosts=None)
        with pytest.raises(Unavailable, match="another than"):
            server.folder().test()


def test_a_known_hosts_file_and_a_fingerprint_let_in(server: Far, tmp_path: Path) -> None:
    kind, key = (server.home / "host_key.pub").read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"[localhost]:{server.server.port} {kind} {key}\n")
    server.trust.update(host_key="", known_hosts=known)
    server.folder().test()
    server.trust.update(host_key=_seen(server), known_hosts=None)
    server.folder().test()


def test_files_of_keys_that_are_not_there_are_named(server: Far, tmp_path: Path) -> None:
    server.trust["key_file"] = tmp_path / "no_key"
    with pytest.raises(Unavailable, match=r"option key_file: .*no_key"):
        server.folder().test()
    server.trust.update(host_key="", known_hosts=tmp_path / "no_hosts")
    with pytest.raises(Unavailable, match=r"option known_hosts: .*no_hosts"):
        server.folder().test()


def test_a_port_on_which_nobody_listens_is_told_at_once(server: Far) -> None:
    with pytest.raises(Unavailable, match="the server at localhost: nobody answers"):
        server.folder(free_port()).test()


def test_a_refused_password_is_not_repeated(server: Far) -> None:
    server.trust["key_file"] = None
    with pytest.raises(Unavailable, match="check user and password") as caught:
        server.folder().test()
    assert PASSWORD not in str(caught.value)


def _seen(server: Far) -> str:
    import base64

    return fingerprint(base64.b64decode((server.home / "host_key.pub").read_text().split()[1]))
