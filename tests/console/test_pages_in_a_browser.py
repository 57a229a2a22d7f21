"""Every page that needs no scripts: open to everybody, inert, and no wider than the window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.accounts import credits, integrations, tokens, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import create_site
from penstock.engine.ids import RandomIds
from penstock.ledger import events
from penstock.ledger.models import Batch, Run, Slot, StageRun
from tests.console.axe import violations
from tests.console.rows import photo, site, with_picture

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def everything(owner: Any, evil: str) -> None:
    """A little of all that the pages of run control show, and a site that has nothing."""
    me, account = Caller(evil[:60]), owner.account
    ann = users.create(me, AT, "ann")
    users.add_member(me, AT, ann, account, Role.OWNER)
    credits.grant(me, AT, account, 12_500, "k", evil)
    tokens.create(me, AT, RandomIds(), ann, site=owner, label=evil)
    integrations.put(me, AT, owner, "texts", "http://127.0.0.1:9/v1", "sk-1234567890abcdef", near=True)
    Slot.objects.create(site=owner, due_at=AT, outcome="skipped", reason=evil, at=AT)
    stage = {"number": 5, "name": "score", "title": evil[:120], "table": "photo", "seconds": 9.0, "rss_mb": 99.0}
    StageRun.objects.create(run_id="r1", failed=1, started_at=AT, ended_at=AT, cpu_percent=50.0, **stage)
    StageRun.objects.create(run_id="r2", leased=1, started_at=AT, ended_at=AT, **stage)
    photo(owner, stage="score", state="failed", run="r1", error=evil, error_code="dark")
    Batch.objects.create(run_id="r2", stage="score", holder="elsewhere another 1 2", boot="another", until=0.0, size=1)
    events.record(AT, "settle", site=owner.pk, run="r1", stage="score", lines=[("INFO", evil), ("ERROR", evil)])
    create_site("quiet", "photos")


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_no_page_shuts_anybody_out(page: Any, width: int, dark: bool) -> None:
    evil = "<script>window.hit=1</script>" + "x" * 150
    owner = site()
    made = photo(owner, Caption=evil, File_Name=f"{'Long_' * 20}001.JPG", flags=[evil], made_by="r1", Camera=evil)
    with_picture(made)
    photo(owner, state="approved", Subject=evil[:120])
    values = {"pipeline": "photos", "plan": {}, "started_at": AT, "recorded": True, "error_message": evil}
    Run.objects.create(id="r1", site=owner, status="failed", **values)
    Run.objects.create(id="r2", site=owner, status="paused", active_key=f"{owner.pk}:run", interrupted=True, **values)
    Run.objects.create(id="p1", site=owner, kind="publish", status="completed", **{**values, "pipeline": "publish"})
    everything(owner, evil)
    page.shape(width, 900, dark=dark)
    addresses = (
        "/", "/sites/rome/review", f"/sites/rome/review/{made.pk}", "/sites/rome/runs", "/runs/r1", "/runs/r2",
        "/runs/r1/rollback", "/sites/rome/recover", "/sites/rome/publish", "/sites/rome/publish?look=1",
        "/sites/rome/publish/confirm", "/sites/rome/publish/p1", "/sites/nowhere/review", "/automation",
        "/sites/rome/automation", "/sites/quiet/automation", "/sites/rome/check", "/sites/rome/sets",
        "/sites/quiet/sets", "/sites/rome/integrations", "/sites/quiet/integrations", "/runs/r1/log",
        "/runs/r1/log?level=ERROR&item=5",
        "/runs/r1/log?first=1", "/runs/r1/check", "/accounts/default/members", "/accounts/default/credits",
        "/accounts/default/audit", "/audit", "/audit?who=nobody", "/you", "/health", "/help?site=rome",
    )  # fmt: skip
    for address in addresses:
        page.open(page.base + address)
        page.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert violations(page) == [], address
        assert page.value("document.documentElement.scrollWidth") <= width, address
        assert page.value("window.hit") is None
    page.open(page.base + "/sites/rome/publish?look=1")
    page.value("document.querySelector('[data-confirm]').click()")
    page.wait("document.getElementById('sure').open")
    assert violations(page) == []
    page.value("document.querySelector('#sure [data-close]').click()")
    page.wait("!document.getElementById('sure').open")
    assert [one for one in page.problems if "401" not in one and "404" not in one] == []
