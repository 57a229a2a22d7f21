"""Settings of a photo site: what may be set, and what a wrong value is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.accounts.models import Site
from penstock.engine.errors import UsageError
from penstock.pipelines.photos import settings
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def stored(site: Site) -> dict[str, object]:
    """As a new process reads it."""
    return dict(Site.objects.get(id=site.id).settings)


def test_every_setting_has_a_meaning_and_a_default_that_is_valid() -> None:
    assert all(meaning for _, _, meaning in settings.describe())
    assert settings.of({key: default for key, default, _ in settings.describe()}) == settings.of({})


def test_what_a_run_stored_and_this_version_no_longer_knows_is_left_aside() -> None:
    assert settings.of({"quality": 70, "retired": 1}).quality == 70


def test_values_are_stored_as_plain_data_of_their_kind() -> None:
    site = rows.site()
    typed = {"quality": "70", "full_size": "1800X1200", "rule_packs": "dutch, nature,", "keep_gps": "yes"}
    settings.change(site, typed)
    assert stored(site) == {
        "quality": 70, "full_size": [1800, 1200], "rule_packs": ["dutch", "nature"], "keep_gps": True
    }  # fmt: skip
    assert settings.of(stored(site)).full_size == (1800, 1200)


def test_only_what_was_set_is_stored_and_nothing_turns_it_off_again() -> None:
    site = rows.site()
    settings.change(site, {"quality": "70", "watermark": "me"})
    settings.change(site, {"quality": ""})
    assert stored(site) == {"watermark": "me"}


def test_paths_are_kept_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    site = rows.site()
    settings.change(site, {"classifier_weights": "clip", "brisque_model": "b.yml", "rules_dir": "rules"})
    assert stored(site) == {
        "classifier_weights": str(tmp_path / "clip"), "brisque_model": str(tmp_path / "b.yml"),
        "rules_dir": str(tmp_path / "rules"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("qualty", "70", "qualty: a photo site has no such setting"),
        ("quality", "101", "quality: .*less than or equal to 100"),
        ("quality", "good", "quality: .*'good'"),
        ("full_size", "1500", "full_size: "),
        ("full_size", "axb", "full_size: "),
        ("thumb_size", "8x8", "both sides must be 16"),
        ("token_timeout", "nan", "token_timeout: "),
        ("on_blocking", "explode", "on_blocking: .*rollback.*pause"),
        ("caption_provider", "ollama", "caption_model=qwen2.5vl:3b"),
        ("watermark", "x" * 121, "watermark: "),
    ],
)
def test_a_wrong_value_is_named_by_its_key_and_changes_nothing(key: str, text: str, said: str) -> None:
    site = rows.site()
    with pytest.raises(UsageError, match=said):
        settings.change(site, {"watermark": "me", key: text})
    assert stored(site) == {}


def test_a_model_of_blanks_is_none_and_a_server_needs_its_address() -> None:
    with pytest.raises(UsageError, match="caption_model"):
        settings.of({"caption_provider": "ollama", "caption_model": "  "})
    with pytest.raises(UsageError, match="openai_url"):
        settings.of({"caption_provider": "openai", "caption_model": "m"})
