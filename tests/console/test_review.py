from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from penstock.console.listing import PER_PAGE
from penstock.ledger.models import Event, Run, SiteCounter
from penstock.pipelines.photos.models import Photo
from penstock.review import gate
from penstock.review.models import Decision
from tests.console.rows import form, photo, signed_in, site

HTMX = {"HX-Request": "true"}


def act(made: Photo, verb: str, *, htmx: bool = False, client: Client | None = None, **more: Any) -> Any:
    """Send a row's form."""
    address = f"/sites/{made.site.name}/review/{made.pk}"
    return (client or signed_in()).post(address, form(made, verb, **more), headers=HTMX if htmx else {})


def fresh(made: Photo) -> Photo:
    return Photo.objects.get(pk=made.pk)


def seen_of(made: Photo) -> str:
    from penstock.ledger import rows

    return gate.fingerprint(gate.gate_of("photo"), rows.read("photo", [made.pk])[0])


def fields_of(made: Photo, **other: str) -> Mapping[str, str]:
    names = ("Caption", "alt_text", "Keywords", "File_Name", "Subject", "Folder", "Location", "QR")
    return {**{name: str(getattr(made, name)) for name in names}, **other}


def listed(query: str = "") -> str:
    return signed_in().get(f"/sites/rome/review{query}").content.decode()


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# What a list shows


def test_a_row_shows_what_is_decided_on(ledger_home: Path) -> None:
    photo(site(), flags=["caption_too_short", "summer-date", "odd_new_flag"], near_group=3)
    text = plain(listed())
    for shown in (
        "Water falls over three stone basins", "Stone fountain", "sculpture", "Good 6.7", "Caption is short",
        "Text and date disagree on the season", "Odd new flag", "Looks like another photo (group 3)",
        "Fountain · Rome, Italy · City", "Pending 1", "Approved 0",
    ):  # fmt: skip
        assert shown in text


def test_a_row_tells_what_the_rules_changed_and_who_wrote_the_texts(ledger_home: Path) -> None:
    change = {
        "rule": "hype", "field": "caption", "before": "A stunning old fountain.", "after": "An old fountain.",
        "reason": "praise is for the viewer",
    }  # fmt: skip
    photo(site(), changes=[change], provider="ollama", model="qwen2.5vl:3b@0123", prompt_version="caption-3")
    html = listed()
    assert "<del>A stunning </del><ins>An </ins>old fountain." in html
    assert "Caption praise is for the viewer (rule hype)" in plain(html)
    assert "ollama · qwen2.5vl:3b@0123 · prompt caption-3" in html


def test_a_failed_row_tells_why_and_how_to_try_again(ledger_home: Path) -> None:
    owner = site()
    Run.objects.create(id="run-1", site=owner, pipeline="photos", started_at="2026-11-21T09:00Z")
    photo(owner, stage="score", state="failed", error="the file is cut off", error_code="truncated", run="run-1")
    text = plain(listed("?status=Error"))
    assert "the file is cut off (truncated at score)" in text
    assert "Try again: penstock retry run-1" in text
    assert "<button" not in listed("?status=Error").partition('<article class="row')[2]


def test_the_newest_quality_check_stands_above_the_rows(ledger_home: Path) -> None:
    import json

    owner = site()
    photo(owner)
    Run.objects.create(id="run-1", site=owner, pipeline="photos", started_at="2026-11-21T09:00Z")
    file = owner.root / "runs" / "run-1" / "prefill_qc.json"
    file.parent.mkdir(parents=True)
    flagged = [{"id": n, "reasons": ["alt_too_short"]} for n in (1, 2)]
    file.write_text(json.dumps({"summary": {"row_count": 9, "flagged_rows_total": 2}, "flagged": flagged}))
    assert "checked the texts of 9 photos: 2 need a closer look and come first. Alt text is short 2" in plain(listed())
    file.write_text('{"summary": [')
    assert "prefill_qc.json cannot be read" in listed()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, "penstock photos add FOLDER --site rome"), ({"state": "approved"}, "penstock publish rome"),
        ({"stage": "score", "state": "ready"}, "1 photo is on the way"),
    ],
)  # fmt: skip
def test_an_empty_list_says_what_to_do_next(ledger_home: Path, made: dict[str, str], said: str) -> None:
    owner = site()
    if made:
        photo(owner, **made)
    assert said in plain(listed())


def test_filters_that_fit_nothing_can_be_taken_off(ledger_home: Path) -> None:
    photo(site())
    assert "Nothing matches" in listed("?q=zebra")


def test_a_long_list_has_pages(ledger_home: Path) -> None:
    owner = site()
    for _ in range(PER_PAGE + 1):
        photo(owner)
    assert "1 to 50 of 51" in listed()
    assert "51 to 51 of 51" in listed("?page=2")
    assert 'rel="next" href="?status=Pending&amp;page=2"' in listed()


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(ledger_home: Path) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    owner, client, costs = site(), signed_in(), []
    for _ in range(2):
        for _ in range(3):
            photo(owner)
        with CaptureQueriesContext(connection) as asked:
            client.get("/sites/rome/review")
        costs.append(sum("accounts_s" not in one["sql"] for one in asked))  # less who asks, and for which site
    assert costs[0] == costs[1] <= 12


# Decisions


def test_an_approval_is_the_persons_and_is_counted(ledger_home: Path) -> None:
    made = photo(site())
    act(made, "approve", seen=seen_of(made))
    assert (fresh(made).state, fresh(made).Review_Status) == ("approved", "Approved")
    decision = Decision.objects.get()
    from django.conf import settings

    assert (decision.verdict, decision.who) == ("approved", settings.PENSTOCK.operator)
    counted = {one.state: one.n for one in SiteCounter.objects.filter(table="photo")}
    assert counted == {"waiting": 0, "approved": 1}


def test_without_scripts_one_comes_back_to_where_the_row_stood(ledger_home: Path) -> None:
    owner = site()
    first, second = photo(owner), photo(owner)
    client = signed_in()
    answer = act(first, "approve", client=client, then=second.pk, back="status=Pending&q=fountain")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sites/rome/review?status=Pending&q=fountain&")
    assert answer.headers["Location"].endswith("#echo")
    html = client.get(answer.headers["Location"]).content.decode()
    assert re.search(rf'id="echo".*is now: approved.*value="pending">Undo.*id="item-{second.pk}"', html, re.S)


def test_a_row_that_stays_in_the_list_is_come_back_to(ledger_home: Path) -> None:
    made = photo(site())
    answer = act(made, "hold")
    assert answer.headers["Location"].endswith(f"#item-{made.pk}")
    assert fresh(made).hold
    assert "it is on hold" in listed()
    act(fresh(made), "unhold")
    assert not fresh(made).hold


def test_with_htmx_only_the_row_and_the_counts_come_back(ledger_home: Path) -> None:
    made = photo(site())
    answer = act(made, "approve", htmx=True)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in html
    assert f'id="item-{made.pk}"' in html
    assert re.search(r'id="tabs"[^>]* hx-swap-oob="true"', html)
    assert "Approved 1" in plain(html)


def test_a_rejection_needs_a_reason_and_keeps_it(ledger_home: Path) -> None:
    made = photo(site())
    answer = act(made, "reject", htmx=True)
    assert answer.status_code == 422
    assert "needs a reason" in answer.content.decode()
    act(made, "reject", quick="Not sharp")
    assert fresh(made).state == "rejected"
    assert Decision.objects.get().reason == "Not sharp"
    assert "“Not sharp”" in listed("?status=Rejected")


def test_a_decision_can_be_taken_back(ledger_home: Path) -> None:
    made = photo(site())
    for verb in ("approve", "reject"):
        act(fresh(made), verb, reason="Duplicate")
        act(fresh(made), "pending")
        assert fresh(made).state == "waiting"


def test_the_same_request_twice_is_one_decision(ledger_home: Path) -> None:
    made = photo(site())
    assert act(made, "approve", htmx=True).status_code == 200
    assert act(made, "approve", htmx=True).status_code == 200
    assert Decision.objects.count() == 1


def test_a_row_that_is_not_complete_cannot_be_approved(ledger_home: Path) -> None:
    made = photo(site(), Caption="")
    assert 'value="approve" disabled' in listed()
    answer = act(made, "approve", htmx=True)
    assert answer.status_code == 409
    assert "Caption is empty" in answer.content.decode()
    assert fresh(made).state == "waiting"


def test_a_published_row_is_only_looked_at(ledger_home: Path) -> None:
    made = photo(site(), state="done")
    text = listed("?status=Published")
    assert f"Take it back: penstock unpublish rome {made.pk}" in plain(text)
    assert "<button" not in text.partition('<article class="row')[2]
    assert act(made, "pending", htmx=True).status_code == 409
    assert fresh(made).state == "done"


# Edits


def test_an_edit_writes_only_what_changed(ledger_home: Path) -> None:
    made = photo(site())
    act(made, "save", **fields_of(made, Caption="Pigeons drink from the old fountain on a quiet morning."))
    assert fresh(made).Caption.startswith("Pigeons drink")
    assert fresh(made).edited == ["Caption"]
    assert Decision.objects.get().before == {"Caption": made.Caption}


def test_every_field_can_be_edited(ledger_home: Path) -> None:
    made = photo(site())
    typed = {
        "Caption": "Pigeons drink from the old fountain.", "alt_text": "Two pigeons on the rim of a fountain",
        "Keywords": "Pigeon, fountain,  pigeon", "File_Name": "Pigeons_2026_001.JPG", "Subject": "Pigeons",
        "Folder": "nature", "Location": "Delft_Netherlands", "QR": "8.1",
    }  # fmt: skip
    act(made, "save", **typed)
    after = fresh(made)
    assert {name: str(getattr(after, name)) for name in typed} == {**typed, "Keywords": "pigeon, fountain"}
    assert after.QC_Status == "Top"


def test_an_edit_takes_an_approval_back(ledger_home: Path) -> None:
    made = photo(site())
    act(made, "approve")
    act(fresh(made), "save", **fields_of(made, Subject="Pigeons"))
    assert fresh(made).state == "waiting"


def test_saving_and_approving_is_one_step(ledger_home: Path) -> None:
    made = photo(site())
    act(made, "save_approve", seen=seen_of(made), **fields_of(made, Subject="Pigeons"))
    assert (fresh(made).state, fresh(made).Subject) == ("approved", "Pigeons")


def test_what_cannot_be_approved_is_not_half_saved(ledger_home: Path) -> None:
    made = photo(site(), hold=True)
    answer = act(made, "save_approve", htmx=True, **fields_of(made, Subject="Pigeons"))
    assert answer.status_code == 409
    assert (fresh(made).state, fresh(made).Subject) == ("waiting", "Fountain")
    assert 'value="Pigeons"' in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"Caption": " "}, "Caption: it cannot be empty"), ({"Keywords": " , "}, "Keywords: give at least one"),
        ({"QR": "11"}, "outside 1 to 10"), ({"File_Name": "a b.JPG"}, "not every file system"),
        ({"Folder": "nowhere"}, "is not known"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("htmx", [True, False])
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    ledger_home: Path, typed: dict[str, str], said: str, htmx: bool
) -> None:
    made = photo(site())
    answer = act(made, "save", htmx=htmx, **fields_of(made, **{"Subject": "Two “pigeons”", **typed}))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert said in plain(html)
    assert 'value="Two “pigeons”"' in html
    assert fresh(made).revision == 0


# Others work too


@pytest.mark.parametrize("htmx", [True, False])
def test_a_row_that_was_changed_meanwhile_is_shown_as_it_is_now(ledger_home: Path, htmx: bool) -> None:
    made = photo(site())
    act(made, "save", **fields_of(made, Caption="Somebody else wrote this caption a moment ago."))
    answer = act(made, "save", htmx=htmx, **fields_of(made, Caption="My own caption must not be lost."))
    text = plain(answer.content.decode())
    assert answer.status_code == 409
    assert "changed meanwhile" in text
    assert "Somebody else wrote this caption" in text
    assert "What you had typed: Caption My own caption must not be lost." in text
    assert fresh(made).Caption.startswith("Somebody else")


@pytest.mark.parametrize("verb", ["approve", "save_approve"])
def test_what_was_not_seen_is_not_approved(ledger_home: Path, verb: str) -> None:
    made = photo(site())
    seen = seen_of(made)
    Photo.objects.filter(pk=made.pk).update(Caption="A program wrote another caption, which no person has seen.")
    answer = act(made, verb, htmx=True, seen=seen)
    assert answer.status_code == 409
    assert fresh(made).state == "waiting"
    assert "no person has seen" in answer.content.decode()


def test_an_item_of_another_site_is_as_missing_as_one_that_does_not_exist(ledger_home: Path) -> None:
    site()
    other = photo(site("delft"))
    client = signed_in()
    sent = form(other, "approve")
    there, nowhere = (client.post(f"/sites/rome/review/{n}", sent) for n in (other.pk, 10**6))
    assert there.status_code == nowhere.status_code == 404
    assert plain(there.content.decode()).replace(str(other.pk), "N") == plain(nowhere.content.decode()).replace(
        "1000000", "N"
    )
    assert fresh(other).state == "waiting"


@pytest.mark.parametrize(
    "broken", [{"revision": ""}, {"revision": "x"}, {"then": "x"}, {"verb": "publish"}, {"verb": ""}]
)
def test_a_form_that_is_none_of_ours_changes_nothing(ledger_home: Path, broken: dict[str, str]) -> None:
    made = photo(site())
    answer = signed_in().post(f"/sites/rome/review/{made.pk}", {**form(made, "approve"), **broken})
    assert answer.status_code == 422
    assert fresh(made).state == "waiting"
    assert not Event.objects.exists()


def test_a_form_from_elsewhere_changes_nothing(ledger_home: Path) -> None:
    from tests.console.rows import sign_in

    made = photo(site())
    client = signed_in(enforce_csrf_checks=True)
    sign_in(client)
    address = f"/sites/rome/review/{made.pk}"
    assert client.post(address, form(made, "approve")).status_code == 403
    page = client.get("/sites/rome/review").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]  # type: ignore[index]
    sent = {**form(made, "approve"), "csrfmiddlewaretoken": token}
    assert client.post(address, sent, headers={"origin": "http://evil.example"}).status_code == 403
    assert fresh(made).state == "waiting"
    assert client.post(address, sent, headers={"origin": "http://127.0.0.1"}).status_code == 302
    assert fresh(made).state == "approved"
