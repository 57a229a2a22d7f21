from __future__ import annotations

from pathlib import Path

from penstock.accounts.models import Integration
from tests.console.rows import signed_in, site

PAGE = "/sites/rome/integrations"
KEY = "sk-1234567890abcdef"


def test_a_site_without_integrations_says_what_one_is(ledger_home: Path) -> None:
    site()
    assert "There is no integration yet" in signed_in().get(PAGE).content.decode()


def test_a_key_is_kept_and_never_shown_but_for_its_end(ledger_home: Path) -> None:
    site()
    sent = {"name": "texts", "url": "http://127.0.0.1:8000/v1", "secret": KEY, "near": "on"}
    assert signed_in().post(PAGE, sent).status_code == 302
    text = signed_in().get(PAGE).content.decode()
    assert "…cdef" in text
    assert KEY not in text
    assert KEY not in Integration.objects.get().secret
    stored = Integration.objects.get().secret
    signed_in().post(PAGE, {**sent, "secret": ""})
    assert Integration.objects.get().secret == stored


def test_an_address_on_this_machine_needs_a_yes_and_a_wrong_form_keeps_what_was_typed_but_the_key(
    ledger_home: Path,
) -> None:
    site()
    answer = signed_in().post(PAGE, {"name": "texts", "url": "http://127.0.0.1:8000/v1", "secret": KEY})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="http://127.0.0.1:8000/v1"' in text
    assert KEY not in text
    assert not Integration.objects.exists()


def test_one_is_removed(ledger_home: Path) -> None:
    site()
    signed_in().post(PAGE, {"name": "texts", "url": "http://127.0.0.1:8000/v1", "near": "on"})
    signed_in().post(PAGE, {"name": "texts", "verb": "remove"})
    assert not Integration.objects.exists()
    assert signed_in().post(PAGE, {"name": "texts", "verb": "remove"}).status_code == 422
