from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from penstock.pipelines.photos.models import Photo
from tests.console.rows import photo, signed_in, site, with_picture


def address(made: Photo, owner: str = "rome") -> str:
    return f"/sites/{owner}/review/{made.pk}/picture"


def test_the_working_copy_of_a_row_is_served_as_what_it_is(ledger_home: Path) -> None:
    made = photo(site())
    file = with_picture(made)
    answer = signed_in().get(address(made))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content == file.read_bytes()


def test_what_the_model_was_given_is_served_when_there_is_no_working_copy(ledger_home: Path) -> None:
    made = photo(site())
    Photo.objects.filter(pk=made.pk).update(ollama_path=str(with_picture(made)), working_path="/gone.jpg")
    assert signed_in().get(address(made)).status_code == 200


@pytest.mark.parametrize("where", ["outside", "link", "absent", "text", "svg"])
def test_nothing_but_a_picture_below_the_sites_folder_is_served(ledger_home: Path, tmp_path: Path, where: str) -> None:
    made = photo(site())
    good = with_picture(made)
    files = {name: good.with_name(f"{name}.jpg") for name in ("link", "absent", "text", "svg")}
    files["outside"] = tmp_path / "outside.jpg"
    files["outside"].write_bytes(good.read_bytes())
    files["link"].unlink(missing_ok=True)
    files["link"].symlink_to(files["outside"])
    files["text"].write_text("<script>alert(1)</script>")
    files["svg"].write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    Photo.objects.filter(pk=made.pk).update(working_path=str(files[where]))
    assert signed_in().get(address(made)).status_code == 404


def test_a_picture_of_another_site_is_not_found(ledger_home: Path) -> None:
    site()
    made = photo(site("delft"))
    with_picture(made)
    assert signed_in().get(address(made, "delft")).status_code == 200
    assert signed_in().get(address(made, "rome")).status_code == 404


def test_a_small_picture_is_made_for_the_grid(ledger_home: Path) -> None:
    made = photo(site())
    file = with_picture(made)
    Image.new("RGB", (1024, 683), (10, 120, 60)).save(file)
    answer = signed_in().get(address(made) + "?size=small")
    with Image.open(io.BytesIO(answer.content)) as small:
        assert (small.format, small.size) == ("JPEG", (320, 213))
    file.write_bytes(file.read_bytes()[:200])
    assert signed_in().get(address(made) + "?size=small").status_code == 404


def test_the_originals_own_pixels_are_served_and_nothing_outside_the_site(ledger_home: Path, tmp_path: Path) -> None:
    made = photo(site())
    inside, outside = with_picture(made).with_name("original.jpg"), tmp_path / "outside.jpg"
    for file in (inside, outside):
        Image.new("RGB", (3000, 2000), (200, 120, 60)).save(file)
    Photo.objects.filter(pk=made.pk).update(staged_path=str(inside))
    where = f"/sites/rome/review/{made.pk}/original"
    answer = signed_in().get(where)
    assert b"".join(answer.streaming_content) == inside.read_bytes()
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert signed_in().get(f"/sites/{site('delft').name}/review/{made.pk}/original").status_code == 404
    for wrong in (outside, inside.with_name("absent.jpg"), inside.with_name("text.jpg")):
        inside.with_name("text.jpg").write_text("<svg onload='alert(1)'/>")
        Photo.objects.filter(pk=made.pk).update(staged_path=str(wrong))
        assert signed_in().get(where).status_code == 404
