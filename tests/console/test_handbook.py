from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from penstock.console import handbook
from penstock.ledger.models import Run
from tests.console.rows import signed_in, site

AT = datetime(2026, 11, 25, 9, 15, tzinfo=UTC)


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_runbook_is_there_with_every_playbook(ledger_home: Path) -> None:
    text = words(signed_in().get("/help").content.decode())
    for title in (
        "Before each run", "A run", "After a run", "A. Quality scoring fails", "B. Captions fail or stall",
        "C. Publishing fails", "D. A crash or a forced stop", "E. The database is locked or inconsistent",
    ):  # fmt: skip
        assert title in text


def test_commands_are_those_of_the_site_and_its_newest_run_and_lead_to_their_buttons(ledger_home: Path) -> None:
    run = Run.objects.create(id="20261125-091500-k3f9", site=site(), pipeline="photos", started_at=AT)
    text = signed_in().get("/help").content.decode()
    assert f"penstock pause {run.id}" in words(text)
    assert "penstock check rome" in words(text)
    for address in ("/sites/rome/check", "/sites/rome/sets", f"/runs/{run.id}/incident", f"/runs/{run.id}/rollback"):
        assert f'class="there" href="{address}"' in text


def test_every_link_of_it_leads_somewhere(ledger_home: Path) -> None:
    Run.objects.create(id="20261125-091500-k3f9", site=site(), pipeline="photos", started_at=AT)
    client = signed_in()
    text = client.get("/help").content.decode()
    found = set(re.findall(r'class="there" href="([^"]+)"', text))
    assert len(found) > 8
    assert {address: client.get(address).status_code for address in found} == dict.fromkeys(found, 200)
    anchors = set(re.findall(r'href="#([^"]+)"', text)) - {"main"}
    assert anchors <= set(re.findall(r'id="([^"]+)"', text))


def test_without_a_site_the_commands_keep_their_placeholders(ledger_home: Path) -> None:
    text = words(signed_in().get("/help").content.decode())
    assert "penstock check SITE" in text
    assert "Make the first one" in text


def test_the_text_is_that_of_the_document_and_is_packed_with_the_program() -> None:
    import tomllib

    root = Path(handbook.__file__).parents[3]
    told = words(str(handbook.book(None, None)))
    for line in ("Only a person", "Clean up nothing by hand before that."):
        assert line in (root / "docs" / "runbook.md").read_text(encoding="utf-8")
        assert line in told
    packed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert packed["force-include"] == {"docs/runbook.md": "penstock/console/runbook.md"}
