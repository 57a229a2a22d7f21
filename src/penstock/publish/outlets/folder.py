"""Target kind `folder`: a folder on this machine, a mounted share, the document root of a web server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from penstock.adapters.folder import Folder
from penstock.engine.errors import UsageError
from penstock.publish.outlets import no_more_options
from penstock.publish.outlets.files import FilesOutlet


class FolderOutlet(FilesOutlet):
    """Files below a folder. `url` is its absolute path."""

    def __init__(self, url: str, options: Mapping[str, Any], _secret: str = "") -> None:
        super().__init__(Folder(Path(url)))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """A path or file:// URL as an absolute path."""
        no_more_options(options)
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
            return str(Path(unquote(parts.path)))
        if "://" in url or not url.strip():
            raise UsageError(f"{url!r} is no folder; give a path or file:///path")
        return str(Path(url).expanduser().absolute())
