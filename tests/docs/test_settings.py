from __future__ import annotations

import re
from dataclasses import fields

from penstock.config import Config
from tests.docs import settings_table
from tests.docs.documents import text


def test_every_setting_of_a_home_is_described_and_no_other() -> None:
    section = text("docs/settings.md").partition("## Of the home")[2].partition("\n## ")[0]
    described = re.findall(r"^\| `(\w+)` \|", section, re.M)
    assert sorted(described) == sorted(one.name for one in fields(Config))


def test_a_plain_default_is_the_one_that_is_described() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`|]+)` \|", text("docs/settings.md"), re.M))
    plain = {one.name: one.default for one in fields(Config) if one.name in rows}
    wrong = {name: (rows[name], default) for name, default in plain.items() if not _same(rows[name], default)}
    assert plain
    assert wrong == {}


def test_every_setting_of_a_site_stands_as_the_program_describes_it() -> None:
    wanted = settings_table.written()
    assert text("docs/settings.md") == wanted, "run python -m tests.docs.settings_table"


def _same(written: str, default: object) -> bool:
    return float(written) == default if isinstance(default, int | float) else written == default
