"""Target kind `ftp`: a folder on an FTP server without encryption, for those who say that they want that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.adapters.remote.address import canonical, parsed, seconds
from penstock.adapters.remote.folder import RemoteFolder
from penstock.adapters.remote.ftp import PORT, FtpWire
from penstock.adapters.remote.session import Session, kept
from penstock.engine.errors import UsageError
from penstock.publish.outlets import no_more_options, session_key
from penstock.publish.outlets.files import FilesOutlet

KIND = "ftp"


class FtpOutlet(FilesOutlet):
    """Files below a folder of a server; see `ftps`."""

    def __init__(self, url: str, options: Mapping[str, Any], secret: str = "") -> None:
        address, wait = parsed(KIND, url, PORT), seconds(options)

        def make() -> Session:
            return Session(url, lambda: FtpWire(address, secret, wait, None))

        super().__init__(RemoteFolder(kept(session_key(url, options, secret), make)))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """ftp://user@host/path. Raises UsageError unless option `plaintext` is yes."""
        no_more_options(options, "plaintext", "timeout")
        if options.get("plaintext") != "yes":
            raise UsageError(
                "ftp sends password and pictures readable for everybody on the way; use --kind ftps or sftp, or say"
                " that you want this: --option plaintext=yes"
            )
        seconds(options)
        return canonical(parsed(KIND, url, PORT), PORT)
