"""The editor in a real browser: what a person does with keys, and what becomes of it in the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.photos.models import Photo, ReservedName
from penstock.review import gate
from penstock.review.models import Decision
from tests.console.browser import browser
from tests.console.rows import photo, site, with_picture
from tests.console.serving import serving

KEYS = {"Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "/": 191, "?": 191}
SAVED = "document.getElementById('saving').textContent === 'All saved'"
CTRL = 2
SHOWN = "document.getElementById('frame').dataset.item"


class Editor:
    """The editor of a page."""

    def __init__(self, page: Any, address: str = "/sites/rome/editor") -> None:
        self.page = page
        page.open(page.base + address)
        page.wait("document.querySelector('#editor:not([hidden])') && document.getElementById('saving')")

    def at(self, made: Photo) -> None:
        """Until this photo is shown, whole."""
        self.page.wait(f"{SHOWN} === '{made.pk}' && !document.getElementById('panel').classList.contains('loading')")

    def press(self, *keys: str, held: int = 0) -> None:
        for key in keys:
            code = KEYS.get(key, ord(key.upper()) if len(key) == 1 else 0)
            base = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": held}
            text = {} if held or (len(key) > 1 and key != "Enter") else {"text": "\r" if key == "Enter" else key}
            self.page.call("Input.dispatchKeyEvent", type="keyDown", **base, **text)
            self.page.call("Input.dispatchKeyEvent", type="keyUp", **base)

    def type(self, name: str, text: str) -> None:
        """Replace a field's text as somebody who types does."""
        self.page.value(f"document.getElementById('f-{name}').focus(); document.getElementById('f-{name}').select()")
        self.page.call("Input.insertText", text=text)

    def saved(self, said: str = "") -> None:
        """Until everything has arrived; `said` is what the editor says once it has begun."""
        self.page.wait(f"document.getElementById('said').innerText.includes('{said}') && {SAVED}")

    def text(self, selector: str) -> str:
        return str(self.page.value(f"document.querySelector({selector!r}).innerText"))

    def click(self, selector: str) -> None:
        self.page.value(f"document.querySelector({selector!r}).click()")


def three() -> list[Photo]:
    owner = site()
    made = [photo(owner) for _ in range(3)]
    for one in made:
        with_picture(one)
    return made


def states() -> list[str]:
    return list(Photo.objects.order_by("id").values_list("state", flat=True))


def calm(page: Any) -> list[str]:
    """What the browser complained about that is no answer of ours."""
    return [one for one in page.problems if not any(code in one for code in ("401", "409", "ERR_"))]


def test_a_sitting_by_keyboard_alone(page: Any) -> None:
    first, second, third = three()
    edit = Editor(page)
    edit.at(first)
    edit.press("a")
    edit.at(second)
    edit.press("x")
    page.wait("document.getElementById('why').open")
    edit.press("3")
    edit.at(third)
    edit.press("f")
    edit.saved()
    assert states() == ["approved", "rejected", "waiting"]
    assert Photo.objects.get(pk=third.pk).hold
    assert Decision.objects.get(verdict="rejected").reason == "Duplicate"
    assert not ReservedName.objects.filter(owner=second.pk).exists()
    edit.press("u", "u", "u")
    edit.at(first)
    edit.saved()
    assert states() == ["waiting", "waiting", "waiting"]
    assert not Photo.objects.get(pk=third.pk).hold
    assert ReservedName.objects.filter(owner=second.pk).exists()
    edit.press("e")
    edit.type("Caption", "Water falls over the basins of an old fountain at noon.")
    edit.press("Enter", held=CTRL)
    edit.at(second)
    edit.saved()
    first.refresh_from_db()
    assert (first.state, first.Caption) == ("approved", "Water falls over the basins of an old fountain at noon.")
    assert calm(page) == []


def test_letters_that_are_typed_into_a_field_decide_nothing(page: Any) -> None:
    first, *_ = three()
    edit = Editor(page)
    edit.at(first)
    edit.press("e")
    edit.press("a", "x", "f", "u")
    edit.press("Escape")
    assert page.value("document.activeElement.id") == "row-title"
    assert states() == ["waiting"] * 3
    assert page.value("document.getElementById('f-Caption').value").endswith("axfu")


def test_what_is_typed_stays_while_one_looks_elsewhere_and_after_a_reload(page: Any) -> None:
    first, second, _ = three()
    edit = Editor(page)
    edit.at(first)
    edit.type("Subject", "Pigeons")
    edit.press("Escape")
    edit.press("ArrowRight")
    edit.at(second)
    assert page.value("document.getElementById('f-Subject').value") == "Fountain"
    page.wait("localStorage.getItem('penstock:typed:rome')?.includes('Pigeons')")
    edit = Editor(page, f"/sites/rome/editor?item={first.pk}")
    edit.at(first)
    assert page.value("document.getElementById('f-Subject').value") == "Pigeons"
    edit.press("s", held=CTRL)
    edit.saved()
    first.refresh_from_db()
    assert first.Subject == "Pigeons"


def test_the_order_stays_when_rows_change_and_the_place_is_kept(page: Any) -> None:
    first, second, third = three()
    edit = Editor(page)
    edit.at(first)
    edit.press("ArrowRight")
    edit.at(second)
    page.wait(f"location.search.includes('item={second.pk}')")
    Photo.objects.filter(pk=third.pk).update(flags=["caption_too_short"])
    edit = Editor(page, "/sites/rome/editor?" + page.value("location.search.slice(1)"))
    edit.at(second)
    assert edit.text("#place") == "2 of 3"
    edit.press("v")
    page.wait("document.querySelectorAll('.cell').length === 3")
    order = page.value("[...document.querySelectorAll('.cell')].map(cell => Number(cell.dataset.item))")
    assert order == [first.pk, second.pk, third.pk]
    edit.click("[data-batch=fresh]")
    page.wait(f"document.querySelector('.cell')?.dataset.item === '{third.pk}'")


def test_decisions_outlive_a_lost_connection_in_order_and_are_shown_until_they_are_sent(page: Any) -> None:
    first, second, _ = three()
    edit = Editor(page)
    edit.at(first)
    page.call("Network.enable")
    page.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    edit.press("a")
    edit.at(second)
    edit.press("f", "ArrowLeft", "u", "a")
    page.wait("/unsent/.test(document.getElementById('saving').textContent)")
    assert edit.text("#saving") == "4 unsent"
    assert states() == ["waiting"] * 3
    assert page.value("Object.keys(localStorage).filter(key => key.startsWith('penstock:unsent:')).length") == 4
    page.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    page.value("window.dispatchEvent(new Event('online'))")
    edit.saved()
    assert len(Decision.objects.all()) == 4
    assert states()[2] == "waiting"
    assert page.value("Object.keys(localStorage).filter(key => key.startsWith('penstock:unsent:')).length") == 0


def test_decisions_outlive_a_restart_of_the_program(ledger_home: Path, chromium: str, tmp_path: Path) -> None:
    first, second, third = three()
    with browser(chromium, tmp_path / "profile") as page:
        page.shape(1280, 900)
        with serving() as link:
            page.open(link)
            page.wait("document.title.startsWith('Sites')")
            page.base = link.partition("/signin")[0]
            edit = Editor(page)
            edit.at(first)
            page.wait(f"location.search.includes('item={first.pk}')")
        edit.press("a")
        edit.at(second)
        edit.press("x")
        page.wait("document.getElementById('why').open")
        edit.press("1")
        edit.at(third)
        page.wait("document.getElementById('saving').textContent === '2 unsent'")
        assert states() == ["waiting"] * 3
        with serving(int(page.base.rpartition(":")[2])):
            edit.saved()
    assert states() == ["approved", "rejected", "waiting"]


def test_unsent_decisions_of_a_closed_window_are_sent_by_the_next_one(page: Any) -> None:
    first, second, _ = three()
    edit = Editor(page)
    edit.at(first)
    entry = {
        "decision_id": "left-behind-1", "item": second.pk, "verb": "approve", "revision": 0, "seen": None,
        "reason": "", "fields": {}, "job": None, "title": "x", "key": "penstock:unsent:rome:gone:000000001",
    }  # fmt: skip
    page.value(f"localStorage.setItem({entry['key']!r}, JSON.stringify({entry})); 1".replace("None", "null"))
    edit = Editor(page)
    page.wait(f"localStorage.getItem({entry['key']!r}) === null")
    edit.at(first)
    edit.saved()
    assert Decision.objects.get().decision_id == "left-behind-1"
    assert states()[1] == "approved"


def test_a_row_that_changed_elsewhere_is_shown_and_not_overwritten(page: Any) -> None:
    first, *_ = three()
    edit = Editor(page)
    edit.at(first)
    edit.type("Caption", "Mine, and rather different from the other.")
    gate.edit("photo", first.pk, {"Caption": "Theirs, which came first."}, who="ann", at=datetime.now(UTC))
    edit.press("s", held=CTRL)
    page.wait("document.querySelector('#notices .bad')")
    assert "changed elsewhere" in edit.text("#notices")
    assert "Theirs" in page.value("document.getElementById('notices').innerText")
    assert page.value("document.getElementById('f-Caption').value").startswith("Mine")
    assert edit.text("#saving") == "1 not done"
    first.refresh_from_db()
    assert first.Caption == "Theirs, which came first."
    edit.page.value(
        "[...document.querySelectorAll('#notices button')].find(one => one.innerText === 'Keep mine').click()"
    )
    edit.press("s", held=CTRL)
    page.wait("document.getElementById('f-Caption').value.startsWith('Mine')")
    for _ in range(100):
        first.refresh_from_db()
        if first.Caption.startswith("Mine"):
            break
        page.wait("new Promise(done => setTimeout(() => done(true), 50))")
    assert first.Caption.startswith("Mine")
    assert [one.verdict for one in Decision.objects.order_by("id")] == ["edited", "edited"]


def test_what_others_do_is_heard_of_while_one_looks(page: Any) -> None:
    first, *_ = three()
    edit = Editor(page)
    edit.at(first)
    page.wait(f"location.search.includes('item={first.pk}')")
    gate.reject("photo", first.pk, who="ann", at=datetime.now(UTC), reason="Not sharp")
    page.value("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait("document.getElementById('badges').innerText.includes('Rejected')")
    page.wait("document.getElementById('notices').innerText.includes('Rejected by ann')")


def test_many_are_approved_only_after_their_number_was_typed(page: Any) -> None:
    _, second, _ = three()
    gate.edit("photo", second.pk, {"hold": True}, who="ann", at=datetime.now(UTC))
    edit = Editor(page)
    edit.press("v")
    page.wait("document.querySelectorAll('.cell').length === 3")
    edit.click("#pick-all")
    edit.click("[data-batch=approve]")
    page.wait("document.getElementById('ask').open")
    assert "Type 2 to approve 2 photos" in edit.text("#ask")
    page.value("document.querySelector('#ask input').focus()")
    page.call("Input.insertText", text="3")
    edit.press("Enter")
    page.wait("document.querySelector('#ask .wrong').innerText.includes('not 2')")
    page.value("document.querySelector('#ask input').select()")
    page.call("Input.insertText", text="2")
    page.value("document.querySelector('#ask form').requestSubmit()")
    edit.saved("2 photos approved")
    assert states() == ["approved", "waiting", "approved"]
    edit.press("u")
    edit.saved()
    assert states() == ["waiting"] * 3


def test_find_and_replace_shows_first_what_it_will_change(page: Any) -> None:
    _, second, _ = three()
    gate.edit("photo", second.pk, {"Caption": "A stonemason and his stone."}, who="ann", at=datetime.now(UTC))
    edit = Editor(page)
    edit.press("v")
    page.wait("document.querySelectorAll('.cell').length === 3")
    edit.click("#pick-all")
    edit.click("[data-batch=replace]")
    page.wait("document.getElementById('ask').open")
    page.value("document.querySelector('#ask input').focus()")
    page.call("Input.insertText", text="stone")
    page.value("document.querySelectorAll('#ask input')[1].focus()")
    page.call("Input.insertText", text="marble")
    page.wait("document.querySelector('#ask .preview').innerText.includes('3 photos would change')")
    page.value("document.querySelector('#ask form').requestSubmit()")
    edit.saved("3 photos changed")
    second.refresh_from_db()
    assert second.Caption == "A stonemason and his marble."
    assert set(Photo.objects.values_list("Keywords", flat=True)) == {
        "fountain, rome, italy, marble, water, square, morning, basin, city, sculpture"
    }


def test_a_batch_edit_sets_fields_and_keywords_of_many(page: Any) -> None:
    first, second, third = three()
    edit = Editor(page)
    edit.press("v")
    page.wait("document.querySelectorAll('.cell').length === 3")
    page.value(f"document.querySelector('[data-item=\"{first.pk}\"] input').click()")
    page.value(f"document.querySelector('[data-item=\"{third.pk}\"] input').click()")
    edit.click("[data-batch=edit]")
    page.wait("document.getElementById('ask').open")
    fill = "const f = document.querySelector('#ask form').elements; f.Subject.value = 'Spring'; "
    page.value(
        fill
        + "f.plus.value = 'Spring, rome'; f.minus.value = 'basin'; document.querySelector('#ask form').requestSubmit()"
    )
    edit.saved("2 photos changed")
    for one in (first, second, third):
        one.refresh_from_db()
    assert (first.Subject, second.Subject, third.Subject) == ("Spring", "Fountain", "Spring")
    assert first.Keywords == "fountain, rome, italy, stone, water, square, morning, city, sculpture, spring"


def test_a_taken_name_and_a_class_are_told_while_they_are_typed(page: Any) -> None:
    first, second, _ = three()
    edit = Editor(page)
    edit.at(first)
    edit.type("File_Name", second.File_Name)
    page.wait("document.getElementById('u-File_Name').innerText.includes('held by photo')")
    assert page.value("document.getElementById('f-File_Name').getAttribute('aria-describedby')") == "s-File_Name"
    edit.type("QR", "9.6")
    page.wait("document.getElementById('u-QR').innerText === 'Class Top'")


def test_spelling_offers_words_and_learns_them(page: Any) -> None:
    first, *_ = three()
    edit = Editor(page)
    edit.at(first)
    edit.type("Caption", "Water falls over three stoen basins of Qwertilo.")
    page.wait("document.querySelectorAll('#u-Caption .spelling summary').length === 2")
    edit.click("#u-Caption .spelling summary")
    page.wait("[...document.querySelectorAll('#u-Caption .meant button')].some(one => one.innerText === 'stone')")
    page.value(
        "[...document.querySelectorAll('#u-Caption .meant button')].find(one => one.innerText === 'stone').click()"
    )
    page.wait("document.querySelectorAll('#u-Caption .spelling summary').length === 1")
    assert (
        page.value("document.getElementById('f-Caption').value") == "Water falls over three stone basins of Qwertilo."
    )
    edit.click("#u-Caption .spelling summary")
    page.wait("document.querySelector('#u-Caption .meant button:last-child')?.innerText.startsWith('Add')")
    edit.click("#u-Caption .meant button:last-child")
    page.wait("!document.querySelector('#u-Caption .spelling')")
    edit.click("#words")
    page.wait("document.querySelector('#ask .chip')?.innerText.includes('Qwertilo')")
    edit.click("#ask .chip-remove")
    page.wait("!document.querySelector('#ask .chip') && document.querySelector('#u-Caption .spelling')")


def test_keys_can_be_changed_and_single_ones_turned_off(page: Any) -> None:
    first, second, third = three()
    edit = Editor(page)
    edit.at(first)
    edit.press("?")
    page.wait("document.getElementById('ask').open")
    edit.click("#ask .keys button")
    edit.press("q")
    page.value("document.querySelector('#ask .primary').click()")
    edit.press("a")
    edit.press("q")
    edit.at(second)
    assert "Q" in edit.text("#approve")
    edit.press("?")
    page.value(
        "document.querySelector('#ask input[type=checkbox]').click(); document.querySelector('#ask .primary').click()"
    )
    edit.press("q")
    edit.click("#approve")
    edit.at(third)
    edit.saved()
    assert states() == ["approved", "approved", "waiting"]


def test_generated_texts_come_by_themselves_but_never_over_what_is_typed(page: Any) -> None:
    from tests.pipelines.photos.test_regenerate import known

    owner = site()
    first, second = known(owner), known(owner)
    edit = Editor(page)
    edit.at(first)
    edit.press("g")
    page.wait("document.getElementById('ask').open")
    page.value("document.querySelector('#ask form').requestSubmit()")
    page.wait("document.querySelector('#notices .generating')")
    _drive()
    page.wait("!document.querySelector('#notices .generating')")
    edit.saved()
    old = first.Caption
    first.refresh_from_db()
    assert first.Caption != old
    assert page.value("document.getElementById('f-Caption').value") == first.Caption
    edit.press("ArrowRight", "g")
    edit.at(second)
    page.wait("document.getElementById('ask').open")
    page.value("document.querySelector('#ask form').requestSubmit()")
    page.wait("document.querySelector('#notices .generating')")
    edit.type("Caption", "What somebody typed meanwhile about the mill.")
    _drive()
    page.wait("document.querySelector('#notices .offer')")
    assert "Nothing was overwritten" in edit.text("#notices")
    assert page.value("document.getElementById('f-Caption').value") == "What somebody typed meanwhile about the mill."
    edit.click("#notices .offer li button")
    assert page.value("document.getElementById('f-Caption').value") != "What somebody typed meanwhile about the mill."


def _drive() -> None:
    from penstock import config
    from penstock.ledger.drive import drive

    assert drive(config.current(), interruptible=False)


def test_at_one_to_one_the_place_is_kept_from_photo_to_photo(page: Any) -> None:
    from PIL import Image

    owner = site()
    made = [photo(owner) for _ in range(2)]
    for n, one in enumerate(made):
        with_picture(one)
        file = owner.root / "incoming" / f"{one.pk}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3000, 2000), (90 * n, 120, 90)).save(file)
        Photo.objects.filter(pk=one.pk).update(staged_path=str(file))
    edit = Editor(page)
    edit.at(made[0])
    edit.press(" ")
    page.wait("document.querySelector('#frame img').naturalWidth === 3000")
    page.value("document.getElementById('frame').focus()")
    edit.press("ArrowRight", "ArrowRight")
    where = page.value("document.querySelector('#frame img').style.translate")
    page.value("document.activeElement.blur()")
    edit.press("a")
    edit.at(made[1])
    page.wait("document.querySelector('#frame img').naturalWidth === 3000")
    assert page.value("document.querySelector('#frame img').style.translate") == where
    assert "pixels of the original" in edit.text("#pixels")
    edit.press("c")
    assert page.value("document.getElementById('pinned').hidden") is False


def test_two_windows_see_each_other_at_a_row(page: Any) -> None:
    from penstock.console.editor.presence import keeper

    first, *_ = three()
    keeper().look(first.site_id, "other-window", "ann", first.pk)
    Editor(page).at(first)
    page.wait("document.getElementById('others').innerText.includes('ann is at this photo')")
    page.value("document.querySelector('#others button').click()")
    page.wait("document.getElementById('others').hidden")


def test_the_quality_check_is_shown_once_before_the_rows(page: Any) -> None:
    import json

    from penstock.ledger.models import Run

    first, *_ = three()
    Run.objects.create(
        id="r1", site=first.site, pipeline="photos", status="completed", recorded=True, started_at=datetime.now(UTC)
    )
    file = first.site.root / "runs" / "r1" / "prefill_qc.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    report = {"flagged": [{"reasons": ["caption_too_short"]}], "summary": {"row_count": 3, "flagged_rows_total": 1}}
    file.write_text(json.dumps(report))
    edit = Editor(page)
    page.wait("document.getElementById('qc').open")
    assert "Caption is short" in edit.text("#qc")
    edit.press("a")
    page.value("document.querySelector('#qc button').click()")
    edit = Editor(page)
    edit.at(first)
    assert page.value("document.getElementById('qc').open") is False
    assert states() == ["waiting"] * 3


@pytest.mark.parametrize(("width", "dark"), [(390, False), (820, True), (1440, False)])
def test_nothing_hostile_runs_and_nobody_is_shut_out(page: Any, width: int, dark: bool) -> None:
    from tests.console.axe import violations

    evil = '<img src=x onerror=window.hit=1>"><script>window.hit=1</script>=cmd|calc!A1 {long}'.format(long="x" * 120)
    change = {"rule": evil, "field": "caption", "before": evil, "after": "b", "reason": evil}
    owner = site()
    made = photo(
        owner, Caption=evil, alt_text=evil, Keywords=evil, Subject=evil[:120], flags=[evil], changes=[change],
        File_Name=f"{'Long_' * 20}001.JPG", Camera=evil, near_group=1, Original_File_Name=evil,
    )  # fmt: skip
    other = photo(owner, near_group=1, Caption=evil)
    with_picture(made)
    gate.edit("photo", made.pk, {"Subject": "'; DROP TABLE review_queue; --"}, who=evil[:100], at=datetime.now(UTC))
    page.shape(width, 900, dark=dark)
    edit = Editor(page, f"/sites/rome/editor?item={made.pk}")
    edit.at(made)
    page.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.wait("document.querySelectorAll('#past li').length > 0 && document.querySelector('#facts div')")
    assert violations(page) == []
    edit.press("w")
    page.wait("document.getElementById('ask').open")
    assert violations(page) == []
    page.value("document.querySelector('#ask .primary').click()")
    edit.press("?")
    page.wait("document.getElementById('ask').open")
    assert violations(page) == []
    page.value("document.querySelector('#ask .primary').click()")
    for view in ("grid", "list"):
        edit.click(f"[data-view={view}]")
        page.wait("document.querySelectorAll('.cell').length === 2")
        edit.click("#filter-open")
        assert violations(page) == []
        assert page.value("document.documentElement.scrollWidth") <= width
    page.value("document.body.append(document.createElement('img')); 1")
    assert [one.partition(":")[0] for one in violations(page)] == ["image-alt", "region"]
    assert page.value("window.hit") is None
    assert Photo.objects.filter(pk=other.pk).exists()
    assert calm(page) == []
