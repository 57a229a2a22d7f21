from __future__ import annotations

from typing import Any

import pytest

from penstock.cli.follow import exit_code


def view(status: str, reason: str = "", **items: int) -> dict[str, Any]:
    return {"status": status, "error_message": reason, "items": items}


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (view("completed"), 0),
        (view("completed", waiting=5, rejected=1), 0),
        (view("completed", waiting=5, failed=1), 1),
        (view("completed", quarantined=1), 1),
        (view("failed", "no model"), 1),
        (view("paused"), 130),
        (view("paused", "http://127.0.0.1:11434 does not answer"), 5),
        (view("running", ready=3), 130),
        (view("cancelled"), 130),
    ],
)
def test_the_exit_code_says_how_a_run_ended(seen: dict[str, Any], code: int) -> None:
    assert exit_code(seen) == code
