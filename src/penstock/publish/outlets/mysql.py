"""Target kind `mysql`: a website's table of pictures on a MySQL or MariaDB server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.adapters.mysqltable import MysqlTable
from penstock.adapters.sqlserver import Server, parsed, written
from penstock.publish.outlets import no_more_options
from penstock.publish.outlets.rows import RowOutlet, said_yes, shape


class MysqlOutlet(RowOutlet):
    """`url` is mysql://user@host:port/database. Options: `table`, `make`, `tls`, `ca`."""

    def __init__(self, url: str, options: Mapping[str, Any], secret: str = "") -> None:
        self.table = MysqlTable(_server(url, options), secret, shape(options), may_make=said_yes(options, "make"))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """The URL with its port and without a password."""
        no_more_options(options, "table", "make", "tls", "ca")
        shape(options), said_yes(options, "make")
        return written(_server(url, options), "mysql")


def _server(url: str, options: Mapping[str, Any]) -> Server:
    return parsed(url, options, ("mysql", "mariadb"), 3306)
