from __future__ import annotations

from pathlib import Path

import pytest

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
