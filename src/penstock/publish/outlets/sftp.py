"""Target kind `sftp`: a folder on a server that is reached by SSH, whose key is checked. Needs the extra `sftp`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.adapters.remote.address import canonical, parsed, seconds
from penstock.adapters.remote.folder import RemoteFolder
from penstock.adapters.remote.session import Session, kept
from penstock.adapters.remote.sftp import PORT, SftpWire, Trust
from penstock.engine.errors import UsageError
from penstock.publish.outlets import no_more_options, session_key
from penstock.publish.outlets.files import FilesOutlet

KIND = "sftp"
_HOST_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}|[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}")


class SftpOutlet(FilesOutlet):
    """Files below a folder of a server. The path begins at the top; `/~/` begins where the user does."""

    def __init__(self, url: str, options: Mapping[str, Any], secret: str = "") -> None:
        address, wait, trust = parsed(KIND, url, PORT), seconds(options), _trust(options)

        def make() -> Session:
            return Session(url, lambda: SftpWire(address, secret, wait, trust))

        super().__init__(RemoteFolder(kept(session_key(url, options, secret), make)))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """sftp://user@host/path.

        Option `host_key` is the server's key as "type base64" or "SHA256:…"; else `known_hosts` is a file (default
        ~/.ssh/known_hosts) that has it. Option `key_file` is a private key; the password then opens that."""
        no_more_options(options, "host_key", "known_hosts", "key_file", "timeout")
        if "host_key" in options and not _HOST_KEY.fullmatch(str(options["host_key"])):
            raise UsageError('option host_key: give "SHA256:…" as ssh-keygen -l prints it, or "type base64"')
        seconds(options)
        address = parsed(KIND, url, PORT)
        if not address.user:
            raise UsageError("--url names no user; give sftp://user@host/path")
        return canonical(address, PORT)


def _trust(options: Mapping[str, Any]) -> Trust:
    files = {name: Path(options[name]).expanduser() for name in ("known_hosts", "key_file") if options.get(name)}
    return Trust(str(options.get("host_key", "")), files.get("known_hosts"), files.get("key_file"))
