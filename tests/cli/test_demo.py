from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.cli import demo as module
from tests.cli.calling import call, shell
from tests.cli.conftest import picture


def test_the_demo_ends_at_the_gate_with_one_photo_broken_on_purpose(home: Path) -> None:
    pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
    shown = call("--json", "-q", "demo", "--no-serve")
    assert shown.code == 0
    rows = shown.data["rows"]
    assert shown.data["items"] == {"waiting": len(rows) - 1, "failed": 1}
    assert [row["photo"] for row in rows if row["status"] == "Error"] == ["coffee-damaged.jpg"]
    assert all(row["text"] and row["rating"] for row in rows if row["status"] == "Pending")


def test_each_demo_is_a_fresh_site_and_ones_own_photos_are_not_changed(home: Path, tmp_path: Path) -> None:
    photo = picture(tmp_path / "mine.jpg", 77)
    before = photo.read_bytes()
    sites = [call("--json", "-q", "demo", "--photos", tmp_path, "--no-serve").data for _ in range(2)]
    assert sites[0]["site"] != sites[1]["site"]
    assert [row["photo"] for row in sites[1]["rows"]] == ["mine.jpg"]
    assert (os.listdir(tmp_path), photo.read_bytes()) == (["mine.jpg"], before)


def test_the_summary_can_be_published_as_it_says(home: Path, tmp_path: Path) -> None:
    picture(tmp_path / "mine.jpg", 78)
    shown = call("-q", "demo", "--photos", tmp_path, "--no-serve")
    typed = next(line for line in shown.out.splitlines() if "review approve" in line).split("&&")
    for line in typed:
        assert call(*line.split()[1:]).code == 0, line
    site = typed[1].split()[-1]
    places = {one["kind"]: one["url"] for one in call("--json", "target", "list", site).data["targets"]}
    assert len(list(Path(places["folder"]).rglob("*.JPG"))) == 2


def test_another_pipeline_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    called = call("--home", tmp_path / "none", "demo", "--pipeline", "scenes")
    assert called.code == 2
    assert not (tmp_path / "none").exists()


def test_a_demo_without_photos_names_the_folder(tmp_path: Path) -> None:
    called = call("demo", "--photos", tmp_path, "--no-serve")
    assert (called.code, "no pictures there" in called.err) == (2, True)


def test_without_a_chosen_home_the_demo_lives_in_the_folder_where_it_was_started() -> None:
    assert Path("penstock-data") == module.HERE


def test_a_folder_name_becomes_a_subject() -> None:
    assert module._subject(Path("/x/summer_2024-alps")) == "summer 2024 alps"
    assert module._subject(Path("/x/___")) == "Photos"


def test_the_page_of_a_demo_says_when_its_port_is_taken(tmp_path: Path) -> None:
    import socket

    picture(tmp_path / "mine.jpg", 79)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        called = shell(tmp_path / "home", "-q", "demo", "--photos", tmp_path, "--port", port)
    assert called.code == 4
    assert "taken by another program; choose another with --port" in called.err
