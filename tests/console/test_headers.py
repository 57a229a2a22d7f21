from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from penstock.console.headers import Headers
from tests.console.rows import photo, signed_in, site, with_picture

PAGES = ["/", "/sites/rome/review", "/sites/rome/runs", "/nothing-here", "/sites/nowhere/review", "/signin"]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_forbids_what_is_inline_foreign_framed_or_kept(ledger_home: Path, address: str) -> None:
    site()
    sent = signed_in().get(address).headers
    policy = dict(part.strip().split(" ", 1) for part in sent["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in sent["Content-Security-Policy"]
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert sent["X-Frame-Options"] == "DENY"
    assert sent["Referrer-Policy"] == "same-origin"
    assert sent["Cross-Origin-Resource-Policy"] == "same-origin"
    assert sent["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["/", "/sites/rome/review"])
def test_no_page_holds_a_script_or_a_style_of_its_own(ledger_home: Path, address: str) -> None:
    photo(site(), flags=["caption_too_short"])
    text = signed_in().get(address).content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick" not in text
    assert text.count("<script") == text.count('<script src="/static/')


def test_a_picture_cannot_act_as_a_page(ledger_home: Path) -> None:
    made = photo(site())
    with_picture(made)
    sent = signed_in().get(f"/sites/rome/review/{made.pk}/picture").headers
    assert "sandbox" in sent["Content-Security-Policy"]
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert sent["Cache-Control"].startswith("private")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "rome:8420@evil.example", "10.0.0.7"])
def test_another_host_name_is_refused_before_anything_else(ledger_home: Path, host: str) -> None:
    answer = Client().get("/static/console/console.css", headers={"host": host})
    assert answer.status_code == 400
    assert "own address only" in answer.content.decode()
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8420", "localhost:9", "[::1]:8420"])
def test_the_machines_own_names_are_answered(ledger_home: Path, host: str) -> None:
    assert Client().get("/signin", headers={"host": host}).status_code == 200


def test_a_nonce_is_named_only_where_a_page_asked_for_it_and_is_never_the_same() -> None:
    from django.http import HttpRequest, HttpResponse

    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(request.csp_nonce))  # type: ignore[attr-defined]

    words = set()
    for _ in range(2):
        request = HttpRequest()
        request.META["HTTP_HOST"] = "127.0.0.1"
        answer = Headers(page)(request)
        word = answer.content.decode()
        assert f"script-src 'self' 'nonce-{word}'" in answer.headers["Content-Security-Policy"]
        words.add(word)
    assert len(words) == 2
