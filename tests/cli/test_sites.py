from __future__ import annotations

import pytest

from tests.cli.calling import call


@pytest.fixture(autouse=True)
def _site(_empty: None) -> None:
    assert call("site", "create", "cli-sites", "--pipeline", "photos", "--timezone", "Europe/Amsterdam").code == 0


def test_a_site_is_made_listed_and_shown_with_every_setting() -> None:
    assert any(one["name"] == "cli-sites" for one in call("site", "list", "--json").data["sites"])
    shown = call("site", "show", "cli-sites", "--json").data
    assert shown["timezone"] == "Europe/Amsterdam"
    keys = {one["key"]: one for one in shown["settings"]}
    assert keys["keywords_count"]["value"] == 12
    assert all(one["meaning"] for one in shown["settings"])
    assert "keywords_count" in call("site", "show", "cli-sites").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", "Alps!", "--pipeline", "photos"), "cannot name a site"),
        (("create", "cli-sites", "--pipeline", "photos"), "already"),
        (("create", "x", "--pipeline", "scenes"), "no pipeline 'scenes'"),
        (("create", "x", "--pipeline", "publish"), "no pipeline 'publish'"),
        (("create", "x", "--pipeline", "photos", "--timezone", "Mars/Base"), "no zone 'Mars/Base'"),
        (("set", "cli-sites", "keywords_count"), "write KEY=VALUE"),
        (("set", "cli-sites", "colour=red"), "no such setting"),
        (("set", "cli-sites", "keywords_count=99"), "keywords_count"),
        (("set", "cli-sites", "timezone=Mars"), "no zone"),
    ],
)
def test_what_is_wrong_is_named(words: tuple[str, ...], says: str) -> None:
    called = call("site", *words)
    assert called.code == 2
    assert says in called.err


def test_settings_change_together_or_not_at_all() -> None:
    assert call("site", "set", "cli-sites", "quality=90", "keywords_count=99").code == 2
    assert call("site", "show", "cli-sites", "--json").data["settings"][-1] is not None
    assert call("site", "set", "cli-sites", "timezone=UTC", "quality=5").code == 2
    assert call("site", "show", "cli-sites", "--json").data["timezone"] == "Europe/Amsterdam"
    assert call("site", "set", "cli-sites", "quality=90", "--json").data["settings"] == {"quality": 90}
    assert call("site", "set", "cli-sites", "quality=", "--json").data["settings"] == {}


def test_a_change_is_recorded_with_who_made_it() -> None:
    from penstock.ledger.models import Event

    call("site", "set", "cli-sites", "quality=91")
    event = Event.objects.filter(site__name="cli-sites", kind="site").order_by("-id")[0]
    assert event.who
    assert event.lines == [["INFO", "Settings changed: quality=91"]]


def test_an_unknown_site_is_exit_code_3_and_names_the_sites() -> None:
    called = call("site", "show", "nowhere")
    assert (called.code, "cli-sites" in called.err) == (3, True)
