from __future__ import annotations

from pathlib import Path

from tests.console.editor.asking import Desk
from tests.console.rows import photo, site


def test_a_name_is_checked_while_it_is_typed_and_nothing_is_reserved(ledger_home: Path) -> None:
    from penstock.pipelines.photos.models import ReservedName

    owner = site()
    first, second = photo(owner), photo(owner)
    desk, n = Desk(), ReservedName.objects.count()
    taken = desk.told("name", item=second.pk, name=first.File_Name.lower().replace(".jpg", ".JPG"))
    assert str(first.pk) in taken["sentence"]
    assert desk.told("name", item=second.pk, name=second.File_Name)["sentence"] == ""
    assert desk.told("name", item=second.pk, name="Quite_Free_001.JPG") == {
        "name": "Quite_Free_001.JPG",
        "sentence": "",
    }
    assert "JPG" in desk.told("name", item=second.pk, name="../../etc/passwd")["sentence"]
    assert ReservedName.objects.count() == n


def test_the_class_of_a_rating_is_told_while_it_is_typed(ledger_home: Path) -> None:
    site()
    assert Desk().told("rating", rating="9.5")["qc"] == "Top"
    assert "number" in Desk().told("rating", rating="many")["sentence"]


def test_spelling_knows_places_folders_gear_and_the_sites_own_words(ledger_home: Path) -> None:
    photo(site(), Camera="Zorki Brillux", Lens_model="Helios", Subject="Qwertil")
    desk = Desk()
    texts = {"a": "A fountan near Delft in the Netherlands, with Zorki and Helios at Qwertil."}
    assert desk.told("spell", texts=texts)["unknown"] == {"a": ["fountan"]}
    assert "fountain" in desk.told("suggest", word="fountan")["suggestions"]
    assert desk.told("add_word", word="fountan")["words"] == ["fountan"]
    assert desk.told("spell", texts=texts)["unknown"] == {"a": []}
    assert desk.told("forget_word", word="Fountan")["words"] == []
    assert desk.told("spell", texts=texts)["unknown"] == {"a": ["fountan"]}
    assert desk.ask("add_word", word="two words")[0] == 422


def test_look_alikes_stand_side_by_side_with_their_reasons(ledger_home: Path) -> None:
    owner = site()
    made = photo(owner, near_group=3, Caption="The very same words of a caption.", alt_text="Nothing like the others.")
    other = {"Caption": "Something else.", "alt_text": "Quite another alternative.", "Keywords": "dog"}
    near = photo(owner, near_group=3, **other)
    same = photo(owner, Caption="The very same words of a caption!", alt_text="A third text, far from both.")
    photo(owner, Caption="Unlike.", alt_text="Also unlike.", state="rejected", near_group=3)
    found = Desk().told("twins", item=made.pk)
    assert [(row["id"], row["why"]) for row in found["rows"]] == [
        (near.pk, ["The pictures look alike"]), (same.pk, ["The same caption", "The same keywords"]),
    ]  # fmt: skip
    assert found["total"] == 2
