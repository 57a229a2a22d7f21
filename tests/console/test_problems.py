from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from django.db import OperationalError

from penstock.console import pages
from penstock.engine.errors import IllegalMove, NotFound, PenstockError, Refused, UsageError
from tests.console.rows import signed_in, site


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OperationalError("database is locked"), 503, "Nothing was changed. Try again"),
        (NotFound("there is no such thing"), 404, "There is no such thing"),
        (UsageError("that is no number"), 422, "That is no number"),
        (Refused("that is not allowed now"), 409, "That is not allowed now"),
        (IllegalMove("an item may not go there"), 409, "An item may not go there"),
        (PenstockError("it broke"), 500, "It broke"),
        (ValueError("secret inner detail"), 500, "logs/console.log"),
    ],
)
def test_what_goes_wrong_becomes_a_sentence(
    ledger_home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, said: str
) -> None:
    site()

    def fail(*_args: object) -> NoReturn:
        raise error

    monkeypatch.setattr(pages, "_site_view", fail)
    answer = signed_in(raise_request_exception=False).get("/")
    text = answer.content.decode()
    assert answer.status_code == status
    assert said in text
    assert "secret inner detail" not in text
    assert "Traceback" not in text
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
