"""Target kind `ftps`: a folder on an FTP server, over TLS (AUTH TLS on port 21), certificate and host name checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.adapters.remote.address import canonical, parsed, seconds
from penstock.adapters.remote.folder import RemoteFolder
from penstock.adapters.remote.ftp import PORT, FtpWire, tls
from penstock.adapters.remote.session import Session, kept
from penstock.publish.outlets import no_more_options, session_key
from penstock.publish.outlets.files import FilesOutlet

KIND = "ftps"


class FtpsOutlet(FilesOutlet):
    """Files below a folder of a server. The path begins in the user's own folder there; with `//` at the top."""

    def __init__(self, url: str, options: Mapping[str, Any], secret: str = "") -> None:
        address, wait = parsed(KIND, url, PORT), seconds(options)
        ca = Path(options["ca"]).expanduser() if options.get("ca") else None

        def make() -> Session:
            return Session(url, lambda: FtpWire(address, secret, wait, tls(ca)))

        super().__init__(RemoteFolder(kept(session_key(url, options, secret), make)))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """ftps://user@host/path. Option `ca` is a file with the certificate of the server's authority."""
        no_more_options(options, "ca", "timeout")
        seconds(options)
        return canonical(parsed(KIND, url, PORT), PORT)
