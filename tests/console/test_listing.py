from __future__ import annotations

from pathlib import Path

import pytest

from penstock.console.listing import PER_PAGE, STATUSES, Filters, Listing
from penstock.engine.errors import NotFound
from tests.console.rows import photo, site


def test_what_makes_no_sense_in_an_address_is_left_out() -> None:
    odd = {"status": "<script>", "page": "-1", "q": "a\x00b\n", "folder": "x" * 500}
    read = Filters.read(odd)
    assert (read.status, read.page, read.q, len(read.folder)) == ("Pending", 1, "ab", 100)
    assert Filters.read({"page": "9" * 40}).page == 1
    assert Filters.read({"page": "²"}).page == 1


def test_filters_survive_the_way_through_an_address() -> None:
    from urllib.parse import parse_qsl

    filters = Filters("Approved", "city", "Very Low", "any", "brücke & co", 3)
    assert Filters.read(dict(parse_qsl(filters.address()))) == filters


def test_flagged_rows_come_first_then_the_order_of_intake(ledger_home: Path) -> None:
    owner = site()
    plain, near, flagged = photo(owner), photo(owner, near_group=1), photo(owner, flags=["caption_too_short"])
    assert [row["id"] for row in Listing(owner, Filters()).rows] == [near.pk, flagged.pk, plain.pk]


def test_counts_come_from_the_counters_and_name_every_status(ledger_home: Path) -> None:
    owner = site()
    photo(owner)
    photo(owner, state="approved")
    photo(owner, state="rejected")
    photo(owner, state="done")
    photo(owner, stage="score", state="failed")
    photo(owner, stage="caption", state="quarantined")
    photo(owner, stage="score", state="ready")
    counts = Listing(owner, Filters()).counts
    assert counts == dict(zip(STATUSES, (1, 1, 1, 1, 2, 1), strict=True))


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"q": "BRIDGE"}, [1]), ({"q": "100%"}, []), ({"folder": "nature"}, [2]), ({"qc": "Low"}, [3]),
        ({"flag": "any"}, [0, 4]), ({"flag": "caption_too_short"}, [0]), ({"flag": "caption"}, []),
        ({"flag": "hold"}, [1]), ({"flag": "changed"}, [2]), ({"q": "fountain", "flag": "any"}, [0, 4]),
    ],
)  # fmt: skip
def test_filters_leave_the_rows_that_fit(ledger_home: Path, chosen: dict[str, str], found: list[int]) -> None:
    owner = site()
    change = {"rule": "hype", "field": "caption", "before": "a", "after": "b", "reason": "c"}
    made = [
        photo(owner, flags=["caption_too_short"]), photo(owner, Caption="A stone bridge.", hold=True),
        photo(owner, Folder="nature", changes=[change]), photo(owner, QC_Status="Low"), photo(owner, near_group=2),
    ]  # fmt: skip
    listing = Listing(owner, Filters.read(chosen))
    assert [row["id"] for row in listing.rows] == [made[n].pk for n in found]
    assert listing.total == len(found)


def test_a_site_never_lists_rows_of_another(ledger_home: Path) -> None:
    owner, other = site(), site("delft")
    photo(other)
    listing = Listing(owner, Filters())
    assert (listing.rows, listing.total) == ([], 0)


def test_pages_hold_fifty_rows_and_an_address_beyond_the_last_shows_the_last(ledger_home: Path) -> None:
    owner = site()
    made = [photo(owner) for _ in range(PER_PAGE + 2)]
    first, beyond = Listing(owner, Filters()), Listing(owner, Filters(page=99))
    assert [row["id"] for row in first.rows] == [one.pk for one in made[:PER_PAGE]]
    assert [row["id"] for row in beyond.rows] == [one.pk for one in made[PER_PAGE:]]
    assert (first.pages, beyond.start) == (2, PER_PAGE)


def test_a_pipeline_without_a_review_says_so(ledger_home: Path) -> None:
    owner = site()
    owner.pipeline = "other"
    with pytest.raises(NotFound, match="nothing to review"):
        _ = Listing(owner, Filters()).gate
