from __future__ import annotations

import pytest

from penstock.adapters.llm.faults import Refusal, retry_after, said
from penstock.engine.errors import Died

DATE = "Sat, 21 Nov 2026 10:15:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("1.5", 1.5),
        ("999999", 3600.0),
        ("Sat, 21 Nov 2026 10:15:40 GMT", 40.0),
        ("Sat, 21 Nov 2026 10:14:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value, "date": DATE}) == seconds


def test_a_date_without_the_responses_own_date_is_not_guessed_at() -> None:
    assert retry_after({"retry-after": DATE}) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": "model not found"}', "model not found"),
        (b'{"error": {"message": "no", "code": "x"}}', "x: no"),
        (b'{"detail": "odd"}', '{"detail": "odd"}'),
        (b"<html>\x1b[31m\n502</html>", "<html>[31m 502</html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
        (b"a" * 1000, "a" * 300),
        (b'{"error": "bad key sk-1 given"}', "bad key *** given"),
    ],
)
def test_an_error_body_becomes_one_safe_short_line(body: bytes, message: str) -> None:
    assert said(body, "sk-1") == message


@pytest.mark.parametrize(
    "message",
    [
        "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error",
        "llama runner process has terminated: exit status 2",
        "llama runner process no longer running: -1",
        "an error was encountered while running the model: unexpected EOF",
        "cudaMalloc failed: out of memory",
        "POST predict: Post http://127.0.0.1:1/completion: EOF",
    ],
)
def test_the_ways_a_runner_is_reported_dead_are_known(message: str) -> None:
    error = Refusal(500, message, {}, "llava:13b", "http://127.0.0.1:11434").error()
    assert isinstance(error, Died)
    assert (error.cause, error.detail) == ("crashed", message)
