from __future__ import annotations

from typing import Any


def test_a_photo_that_does_not_hold_its_name_is_told(scene: Any) -> None:
    scene.sql("DELETE FROM photos_reservedname WHERE owner=1")
    assert scene.told() == {("I5", "photo 1")}


def test_a_photo_that_bears_another_name_than_it_holds_is_told(scene: Any) -> None:
    scene.sql("UPDATE review_queue SET File_Name='Other_001.JPG' WHERE id=2")
    assert scene.told() == {("I5", "photo 2")}


def test_a_name_held_under_the_wrong_key_is_told(scene: Any) -> None:
    scene.sql("UPDATE photos_reservedname SET key='something' WHERE owner=1")
    assert scene.told() == {("I5", "photo 1")}


def test_a_photo_that_holds_two_names_is_told(scene: Any) -> None:
    values = f"({scene.site.pk}, '', 1, 'b.jpg', 'B.JPG', '', 0)"
    scene.sql(f"INSERT INTO photos_reservedname (site_id, made_by, owner, key, name, series, number) VALUES {values}")
    assert ("I5", "photo 1") in scene.told()


def test_a_name_held_by_a_photo_that_is_gone_is_told_and_an_imported_one_is_not(scene: Any) -> None:
    values = f"({scene.site.pk}, '', 77, 'b.jpg', 'B.JPG', '', 0), ({scene.site.pk}, '', 0, 'c.jpg', 'C.JPG', '', 0)"
    scene.sql(f"INSERT INTO photos_reservedname (site_id, made_by, owner, key, name, series, number) VALUES {values}")
    assert scene.told() == {("I5", "photo 77")}


def test_a_rejected_photo_that_holds_its_name_is_told(scene: Any) -> None:
    name = "'heron_pond_birds_photography_cam_2026_003.jpg', 'Heron_Pond_Birds_Photography_Cam_2026_003.JPG'"
    scene.sql(
        "INSERT INTO photos_reservedname (site_id, made_by, owner, key, name, series, number)"
        f" VALUES ({scene.site.pk}, '', 3, {name}, '', 0)"
    )
    assert scene.told() == {("I5", "photo 3")}


def test_two_reservations_of_one_name_are_told(scene: Any) -> None:
    """The unique index stands in the way: without it, in a transaction that is not kept."""
    from django.db import transaction

    with transaction.atomic():
        scene.sql("ALTER TABLE photos_reservedname RENAME TO whole")
        scene.sql("CREATE TABLE photos_reservedname AS SELECT * FROM whole")
        scene.sql("INSERT INTO photos_reservedname SELECT * FROM whole WHERE owner=1")
        found = {v.detail for v in scene.wrong() if v.subject == "photo 1"}
        transaction.set_rollback(True)
    assert any("2 reservations hold the name" in detail for detail in found)


def test_the_short_way_of_folding_plain_names_agrees_with_the_long_one() -> None:
    from penstock.oracle.names import _folds_to
    from penstock.pipelines.photos import names

    plain = "".join(chr(n) for n in range(32, 127))
    assert names.fold(plain) == plain.lower()
    assert _folds_to("Caf\u00e9_001.JPG", names.fold("Caf\u00e9_001.JPG"))
    assert not _folds_to("Caf\u00e9_001.JPG", "caf\u00e9_001.jpg")
