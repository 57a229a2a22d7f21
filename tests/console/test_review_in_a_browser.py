"""The review in a real browser: what scripts add, and that nothing runs which we did not write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from penstock.pipelines.photos.models import Photo
from penstock.review import gate
from tests.console.rows import photo, site, with_picture

ENTER = ("Enter", 13, "\r")


def test_rows_are_decided_one_after_the_other_without_leaving_the_page(page: Any) -> None:
    owner = site()
    first, second, third = (photo(owner) for _ in range(3))
    with_picture(first)
    page.open(f"{page.base}/sites/rome/review")
    page.wait(f"document.querySelector('#item-{first.pk} img').naturalWidth === 96")
    page.value("window.stayed = true; document.querySelector('[value=approve]').focus()")

    page.press(*ENTER)
    page.wait(f"document.querySelector('#item-{first.pk}.is-approved')")
    page.wait(f"document.activeElement.matches('#item-{second.pk} [value=approve]')")
    page.press(*ENTER)
    page.wait(f"document.querySelector('#item-{second.pk}.is-approved')")
    page.wait("document.querySelector('#tabs').innerText.replace(/\\s+/g, ' ').includes('Approved 2')")
    assert "approved" in page.value("document.getElementById('said').innerText")

    page.value(f"document.querySelector('#item-{second.pk} [value=pending]').click()")
    page.wait(f"document.querySelector('#item-{second.pk}.is-pending')")
    gate.edit("photo", third.pk, {"Subject": "Pigeons"}, who="ann", at=datetime.now(UTC))
    page.value(f"document.querySelector('#item-{third.pk} [value=approve]').click()")
    page.wait(f"document.querySelector('#item-{third.pk} [role=alert]')")
    assert "Pigeons" in page.value(f"document.querySelector('#item-{third.pk}').innerText")
    assert page.value("window.stayed") is True
    assert list(Photo.objects.order_by("id").values_list("state", flat=True)) == ["approved", "waiting", "waiting"]
    assert [one for one in page.problems if "409" not in one and "401" not in one] == []


def test_nothing_that_a_file_or_model_wrote_runs_and_no_page_scrolls_sideways(page: Any) -> None:
    evil = '<img src=x onerror=window.hit=1>"><script>window.hit=1</script>{long}'.format(long="x" * 200)
    change = {"rule": evil, "field": "caption", "before": evil, "after": "b", "reason": evil}
    made = photo(
        site(), Caption=evil, alt_text=evil, Keywords=evil, Subject=evil[:120], flags=[evil], changes=[change],
        File_Name=f"{'Long_' * 20}001.JPG", Camera=evil,
    )  # fmt: skip
    for width, dark in ((390, False), (1280, True)):
        page.shape(width, 800, dark=dark)
        for address in ("/", "/sites/rome/review", f"/sites/rome/review/{made.pk}", "/sites/rome/runs"):
            page.open(page.base + address)
            page.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            assert page.value("window.hit") is None
            assert page.value("document.documentElement.scrollWidth") <= width, (address, width)
            assert page.value("document.querySelectorAll('h1').length") == 1
            unnamed = "[...document.querySelectorAll('input:not([type=hidden]), textarea, select')]"
            assert page.value(f"{unnamed}.filter(one => !one.labels.length).map(one => one.outerHTML)") == []
    assert [one for one in page.problems if "401" not in one] == []
