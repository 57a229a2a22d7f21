from __future__ import annotations

import pytest

from penstock.pipelines.photos.places import COUNTRIES, SOUTHERN, TROPICAL, country_in, place_of
from penstock.pipelines.photos.words import tokens


@pytest.mark.parametrize(
    ("location", "spoken"),
    [
        ("Gouda_Netherlands", "Gouda, the Netherlands"),
        ("New_York_United_States", "New York, the United States"),
        ("Papua_New_Guinea", "Papua New Guinea"),
        ("Frankendael_Park", "Frankendael Park"),
        ("Zürich_Switzerland", "Zürich, Switzerland"),
        ("", ""),
    ],
)
def test_a_location_token_is_read_aloud(location: str, spoken: str) -> None:
    assert place_of(location).spoken() == spoken


def test_countries_are_found_as_whole_words() -> None:
    assert country_in(tokens("Amstelveen_Netherlands")) == "netherlands"
    assert country_in(tokens("Indianapolis Chinatown")) == ""


def test_the_hemisphere_lists_name_known_countries_only() -> None:
    known = {name.casefold() for name in COUNTRIES}
    assert known >= SOUTHERN | TROPICAL
    assert not SOUTHERN & TROPICAL
