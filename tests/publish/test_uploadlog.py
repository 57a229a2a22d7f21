from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def log(desk: Desk) -> list[str]:
    return (desk.site.root / "logs" / "db_uploader.log").read_text(encoding="utf-8").splitlines()


def test_there_is_one_line_per_row_sent_in_the_seeds_form(desk: Desk) -> None:
    item = desk.photo()
    desk.publish()
    sent = [line for line in log(desk) if "[SENT]" in line]
    assert len(sent) == 2
    stamp, text = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", f"[SENT] id={item} Heron at dawn.JPG -> table as row 1 (sent)"
    form = rf"{stamp} INFO db_uploader {re.escape(text)} run=\S+"
    assert re.fullmatch(form, sent[1])
    assert "completed" in log(desk)[-1]


def test_a_failed_row_is_told_with_its_reason_and_writing_again_adds_nothing(desk: Desk) -> None:
    from penstock.ledger.models import Run
    from penstock.publish import uploadlog

    item = desk.photo()
    desk.sql("CREATE TRIGGER no BEFORE INSERT ON photos_info_revamp BEGIN SELECT RAISE(ABORT, 'no rows today'); END")
    desk.publish()
    before = log(desk)
    errors = [line for line in before if " ERROR " in line]
    assert len(errors) == 1
    assert f"[UPLOAD ERROR] id={item} Heron at dawn.JPG -> table" in errors[0]
    assert "no rows today" in errors[0]
    uploadlog.write(Run.objects.get())
    assert log(desk) == before


def test_a_photo_left_out_is_told(desk: Desk) -> None:
    from penstock.pipelines.photos.models import Photo

    item = desk.photo()
    Path(Photo.objects.get(id=item).staged_path).unlink()
    desk.publish()
    assert any(f"ERROR db_uploader [SKIP] id={item}" in line for line in log(desk))


def test_other_runs_leave_it_alone(desk: Desk) -> None:
    from penstock.ledger.models import Run
    from penstock.publish import uploadlog
    from tests.publish.desk import CLOCK

    uploadlog.write(Run(id="r", site=desk.site, kind="run", pipeline="photos", started_at=CLOCK.wall()))
    assert not uploadlog.path(desk.site).exists()
