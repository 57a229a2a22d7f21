from __future__ import annotations

from pathlib import Path

from penstock.cli import demo_content
from tests.cli.calling import call


def test_the_demo_goes_from_two_hundred_keywords_to_articles_in_review(home: Path) -> None:
    shown = call("--json", "-q", "demo", "--pipeline", "content")
    assert shown.code == 0
    assert shown.data["stages"][0]["done"] == len(demo_content.TOPICS) * len(demo_content.FORMS) == 200
    rows = shown.data["rows"]
    assert shown.data["items"] == {"waiting": len(rows)}
    assert {(row["status"], row["provider"], row["pictures"]) for row in rows} == {("review", "offline", 3)}
    assert len(rows) >= 15


def test_ones_own_photos_are_no_part_of_it(tmp_path: Path) -> None:
    assert call("demo", "--pipeline", "content", "--photos", tmp_path).code == 2
