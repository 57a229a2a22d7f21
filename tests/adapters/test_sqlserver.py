from __future__ import annotations

from pathlib import Path

import pytest

from penstock.adapters import sqlserver
from penstock.adapters.sqlserver import driver, parsed, written
from penstock.engine.errors import UsageError

SCHEMES = ("mysql", "mariadb")


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("mysql://heron@example.org/site", "mysql://heron@example.org:3306/site"),
        ("mariadb://heron@example.org:3307/site", "mysql://heron@example.org:3307/site"),
        ("mysql://two%20herons%40x@[::1]/a%2Db", "mysql://two%20herons%40x@[::1]:3306/a-b"),
    ],
)
def test_an_address_is_stored_with_its_port_and_reads_the_same_again(url: str, stored: str) -> None:
    assert written(parsed(url, {}, SCHEMES, 3306), "mysql") == stored
    assert written(parsed(stored, {}, SCHEMES, 3306), "mysql") == stored


@pytest.mark.parametrize(
    "url",
    [
        "", "mysql://", "mysql://host/site", "mysql://heron@/site", "mysql://heron@host", "mysql://heron@host/",
        "mysql://heron@host:port/site", "mysql://heron@host:99999/site", "postgres://heron@host/site", "/srv/site.db",
        "mysql://heron@host/site/table", "mysql://heron@host/site?ssl=no", "mysql://heron@[::1/site",
        "mysql:heron:canary@host/site",
    ],
)  # fmt: skip
def test_what_names_no_database_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(UsageError, match="write mysql://user@host/database") as caught:
        parsed(url, {}, SCHEMES, 3306)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://heron:canary@host/site", "mysql://heron:@host/site"])
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="--secret-file") as caught:
        parsed(url, {}, SCHEMES, 3306)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "options", "encrypted"),
    [
        ("localhost", {}, False), ("127.0.0.1", {}, False), ("127.9.9.9", {}, False), ("[::1]", {}, False),
        ("example.org", {}, True), ("10.0.0.1", {}, True), ("localhost.example.org", {}, True),
        ("example.org", {"tls": "off"}, False), ("localhost", {"tls": "verify"}, True),
    ],
)  # fmt: skip
def test_what_leaves_this_machine_is_encrypted_and_checked_unless_somebody_says_off(
    host: str, options: dict[str, str], encrypted: bool
) -> None:
    assert parsed(f"mysql://heron@{host}/site", options, SCHEMES, 3306).encrypted is encrypted


def test_a_given_authority_means_that_the_certificate_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    server = parsed("mysql://heron@localhost/site", {"ca": str(file)}, SCHEMES, 3306)
    assert server.encrypted
    with pytest.raises(UsageError, match="holds no certificates"):
        server.context()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"tls": "maybe"}, "write verify or off"), ({"ca": "/nowhere/ca.pem"}, "there is no file /nowhere/ca.pem")],
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parsed("mysql://heron@host/site", options, SCHEMES, 3306)


def test_a_missing_library_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(UsageError, match=r"needs the library Nothing, .* -m pip install 'Nothing'"):
        driver("penstock_no_such_driver", "Nothing", "mysql")
    assert driver("json", "json", "x").__name__ == "json"
    assert sqlserver.TLS == ("verify", "off")
