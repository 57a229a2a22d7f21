"""Every page that needs no scripts: open to everybody, inert, and no wider than the window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.ledger.models import Run
from tests.console.axe import violations
from tests.console.rows import photo, site, with_picture

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


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
    page.shape(width, 900, dark=dark)
    addresses = (
        "/", "/sites/rome/review", f"/sites/rome/review/{made.pk}", "/sites/rome/runs", "/runs/r1", "/runs/r2",
        "/runs/r1/rollback", "/sites/rome/recover", "/sites/rome/publish", "/sites/rome/publish?look=1",
        "/sites/rome/publish/confirm", "/sites/rome/publish/p1", "/sites/nowhere/review",
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
