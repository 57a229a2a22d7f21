from __future__ import annotations

import pytest

from penstock.pipelines.photos.cues import evidence_of, resolve, taken
from penstock.pipelines.photos.facts import Facts, Hint

AMSTERDAM = (52.37, 4.9)


@pytest.mark.parametrize(
    ("name", "subject", "expected"),
    [
        ("heron_sunrise_01.jpg", "Heron", "sunrise"),
        ("HeronAtDusk_7.jpg", "Heron", "dusk"),
        ("IMG_1.jpg", "Harbour Evening", "evening"),
        ("daybreak.jpg", "", "dawn"),
        ("knight_01.jpg", "Nightingale", ""),
        ("sunrises.jpg", "Eveningwear", ""),
        ("IMG_2.jpg", "Night Heron", ""),
        ("IMG_3.jpg", "Sunset Boulevard", ""),
        ("IMG_4.jpg", "Fireworks", "night"),
    ],
)
def test_time_of_day_comes_from_whole_words_only(name: str, subject: str, expected: str) -> None:
    assert resolve(Facts(original_name=name, subject=subject)).time_of_day == expected


def test_the_file_name_comes_first_and_a_disagreeing_clock_is_reported() -> None:
    cues = resolve(Facts(original_name="sunrise_3.jpg", taken_at="2026:11:21 19:15:00"))
    assert (cues.time_of_day, cues.sources["time_of_day"]) == ("sunrise", "filename")
    assert cues.conflicts == ("the filename says sunrise, but the camera's clock says 19:15",)


def test_the_file_name_wins_over_the_subject() -> None:
    cues = resolve(Facts(original_name="sunset.jpg", subject="Morning Walk"))
    assert (cues.time_of_day, cues.sources["time_of_day"]) == ("sunset", "filename")


def test_a_name_with_sunrise_and_sunset_decides_nothing_and_says_so() -> None:
    cues = resolve(Facts(original_name="sunrise_to_sunset.jpg", taken_at="2026:11:21 12:15:00"))
    assert cues.time_of_day == ""
    assert "both sunrise and sunset" in cues.conflicts[0]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("03", "night"),
        ("08", "morning"),
        ("12", "noon"),
        ("15", "afternoon"),
        ("20", "evening"),
        ("23", "night"),
    ],
)
def test_without_words_the_clock_decides(clock: str, expected: str) -> None:
    cues = resolve(Facts(taken_at=f"2026:06:21 {clock}:30:00"))
    assert (cues.time_of_day, cues.sources["time_of_day"]) == (expected, "clock")


@pytest.mark.parametrize(
    ("taken_at", "zone", "expected"),
    [
        ("2026:12:21 08:55:00", "+01:00", "sunrise"),
        ("2026:12:21 16:25:00", "+01:00", "sunset"),
        ("2026:12:21 17:40:00", "+01:00", "night"),
        ("2026:12:21 08:20:00", "+01:00", "dawn"),
        ("2026:06:21 21:55:00", "+02:00", "sunset"),
        ("2026:06:21 17:40:00", "+02:00", "afternoon"),
    ],
)
def test_with_position_and_zone_the_sun_decides(taken_at: str, zone: str, expected: str) -> None:
    cues = resolve(Facts(taken_at=taken_at, zone=zone, gps=AMSTERDAM))
    assert (cues.time_of_day, cues.sources["time_of_day"]) == (expected, "sun")
    assert cues.sun_height is not None


def test_the_sun_can_disprove_a_word_that_the_clock_alone_allows() -> None:
    late_summer_light = Facts(original_name="night.jpg", taken_at="2026:06:21 19:00:00", zone="+02:00", gps=AMSTERDAM)
    assert resolve(late_summer_light).conflicts
    assert not resolve(Facts(original_name="night.jpg", taken_at="2026:06:21 19:00:00")).conflicts


@pytest.mark.parametrize("text", ["", "0000:00:00 00:00:00", "2026:13:45 10:00:00", "yesterday", "2026:02:30 10:00:00"])
def test_nonsensical_times_are_no_times(text: str) -> None:
    assert taken(Facts(taken_at=text)) is None
    assert resolve(Facts(taken_at=text)).time_of_day == ""


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(taken_at="2026:07:01 10:00:00", gps=AMSTERDAM), "summer"),
        (Facts(taken_at="2026:07:01 10:00:00", gps=(-34.0, 18.4)), "winter"),
        (Facts(taken_at="2026:07:01 10:00:00", gps=(1.3, 103.8)), ""),
        (Facts(taken_at="2026:12:01 10:00:00", location="Gouda_Netherlands"), "winter"),
        (Facts(taken_at="2026:12:01 10:00:00", location="Sydney_Australia"), "summer"),
        (Facts(taken_at="2026:12:01 10:00:00", location="Bogota_Colombia"), ""),
        (Facts(taken_at="2026:12:01 10:00:00"), ""),
        (Facts(original_name="autumn_leaf.jpg"), "autumn"),
        (Facts(subject="Hot Spring"), ""),
        (Facts(subject="Niagara Falls"), ""),
    ],
)
def test_seasons_come_from_words_then_from_the_date_on_its_hemisphere(facts: Facts, expected: str) -> None:
    assert resolve(facts).season == expected


def test_a_season_that_the_date_contradicts_is_reported() -> None:
    cues = resolve(Facts(original_name="winter.jpg", taken_at="2026:07:01 10:00:00", gps=AMSTERDAM))
    assert cues.season == "winter"
    assert cues.conflicts == ("the filename says winter, but the date 2026:07:01 is summer",)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (Facts(folder_key="birds_photography", subject="City Bridge"), "wildlife"),
        (Facts(folder_key="people_creative_collection"), "people"),
        (Facts(folder_key="close-up", folder_name="Macro Photography"), "macro"),
        (Facts(folder_key="nature", folder_name="Nature Landscape Photography"), "landscape"),
        (Facts(folder_key="misc", subject="Old Cathedral"), "architecture"),
        (Facts(folder_key="misc", subject="Northern Cardinal"), "general"),
        (Facts(folder_key="misc", subject="Business Meeting"), "general"),
        (Facts(folder_key="misc", subject="Rainy Season"), "general"),
        (Facts(folder_key="misc", subject="Red Cars"), "vehicle"),
        (Facts(folder_key="misc", subject="Quiet Thing", evidence=("a bird",)), "wildlife"),
    ],
)
def test_the_kind_comes_from_the_folder_then_from_whole_words(facts: Facts, kind: str) -> None:
    assert resolve(facts).kind == kind


@pytest.mark.parametrize(
    ("facts", "lowland"),
    [
        (Facts(location="Amstelveen_Netherlands"), True),
        (Facts(subject="Polder at dawn"), True),
        (Facts(location="Venice_Italy", subject="Grand Canal"), False),
        (Facts(subject="Quiet Canal"), True),
        (Facts(location="Gouda_Netherlands", subject="Mountain Bike"), False),
        (Facts(gps=AMSTERDAM), True),
        (Facts(gps=(50.86, 5.9)), False),
        (Facts(subject="Hollandaise Sauce"), False),
    ],
)
def test_lowland_is_told_by_whole_words_and_by_position(facts: Facts, lowland: bool) -> None:
    assert resolve(facts).lowland is lowland


def test_classifier_hints_count_as_evidence_from_their_threshold_on() -> None:
    hints = (Hint("nature", "reeds", 0.54), Hint("nature", "grey heron", 0.55), Hint("street", "tram", 0.40))
    assert evidence_of(Facts(hints=hints, evidence=("Still Water",))) == (
        ("still", "water"),
        ("grey", "heron"),
        ("tram",),
    )
