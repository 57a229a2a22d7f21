from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.photo.camera import camera_token
from penstock.pipelines.photos.names import (
    NameParts,
    NameTooLong,
    file_name,
    fold,
    folder_token,
    next_number,
    parse_number,
    renumbered,
    series_key,
    slug,
    token,
    year_of,
)

HERON = NameParts("grey heron", "Amstelveen_Netherlands", "Nature Landscape", "Canon_EOS_R5", 2026)


def test_a_name_follows_the_pattern() -> None:
    assert (
        file_name(HERON, 1)
        == "Grey_Heron_Amstelveen_Netherlands_Nature_Landscape_Photography_Canon_EOS_R5_2026_001.JPG"
    )


def test_the_folder_suffix_is_never_doubled() -> None:
    assert folder_token("Nature Landscape Photography") == "Nature_Landscape_Photography"
    assert folder_token("street PHOTOGRAPHY") == "Street_PHOTOGRAPHY"
    assert folder_token("blog") == "Blog_Photography"
    assert folder_token("") == "Photography"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Black & White", "Black_and_White"),
        ("  King's   Day!! ", "King_s_Day"),
        ("a__b--c..d", "a_b_c_d"),
        ("Zürich Überführung", "Zürich_Überführung"),
        ("東京 駅", "東京_駅"),
        ("line\r\nbreak\x00end", "line_break_end"),
        ("../../etc/passwd", "etc_passwd"),
        ("e\u0301cole", "école"),
        ("\u202egnp.exe", "gnp_exe"),
        ("...", ""),
    ],
)
def test_slugs_keep_letters_of_any_language_and_nothing_dangerous(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_words_with_inner_capitals_stay_as_written() -> None:
    assert token("iPhone and KLM at schiphol") == "iPhone_And_KLM_At_Schiphol"


def test_numbers_have_three_digits_and_widen() -> None:
    assert file_name(HERON, 999).endswith("_999.JPG")
    assert file_name(HERON, 1000).endswith("_1000.JPG")
    assert parse_number(file_name(HERON, 1000)) == 1000
    assert parse_number("IMG_12.JPG") is None
    assert (next_number(None), next_number(999)) == (1, 1000)
    with pytest.raises(ValueError, match="outside"):
        file_name(HERON, 0)


def test_an_existing_spelling_can_be_numbered_on() -> None:
    assert (
        renumbered("Heron_NL_nature_Photography_R5_2026_007.JPG", 1008)
        == "Heron_NL_nature_Photography_R5_2026_1008.JPG"
    )
    with pytest.raises(ValueError, match="no next one"):
        renumbered("Heron.JPG", 2)


def test_a_long_subject_gives_up_whole_words_and_leaves_no_dangling_one() -> None:
    parts = NameParts("Boats of the harbour " * 8, "Amsterdam_Netherlands", "Cityscape", "Canon_EOS_R5_Mark_II", 2026)
    name = file_name(parts, 123)
    subject = name.split("_Amsterdam")[0].split("_")
    assert len(name) <= 150
    assert len(subject) > 4
    assert subject[-1] in {"Boats", "Harbour"}
    assert series_key(parts) == fold(name.removesuffix("_123.JPG"))


def test_a_name_that_cannot_fit_says_what_to_shorten() -> None:
    with pytest.raises(NameTooLong, match="shorten the subject"):
        file_name(NameParts("x" * 200, "Amsterdam", "Nature", "R5", 2026), 1)
    with pytest.raises(NameTooLong):
        file_name(NameParts("Heron", "y " * 100, "Nature", "R5", 2026), 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE.JPG", "straße.jpg"),
        ("Café", "cafe\u0301"),
        ("ÆRØ", "aero"),
        ("Łódź", "lodz"),
        ("ﬁsh", "fish"),
        ("İstanbul", "istanbul"),
        ("ıstanbul", "istanbul"),
        ("ＡＢＣ１", "abc1"),
        ("カメラ", "かめら"),
        ("٣", "3"),
        ("\U00020000", "\U00020001"),
        ("a\u200db", "ab"),
    ],
)
def test_folding_equates_what_file_systems_and_collations_confuse(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_series_that_differ_only_in_spelling_share_their_numbers() -> None:
    other = NameParts("GREY HÉRON", "amstelveen netherlands", "nature landscape", "canon_eos_r5", 2026)
    assert series_key(other) == series_key(HERON)


def test_years_come_from_exif_or_from_the_caller() -> None:
    assert year_of("2026:11:21 10:15:02", 1999) == 2026
    assert year_of("", 1999) == 1999
    assert year_of("0000:00:00 00:00:00", 1999) == 1999


@given(st.text(max_size=400))
def test_folding_is_idempotent_and_blind_to_case(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert fold(unicodedata.normalize("NFD", text)) == once
    assert fold(text.lower()) == fold(text.upper().lower())


any_text = st.text(max_size=60)


@given(any_text, any_text, any_text, any_text, any_text, st.integers(1, 999_999))
def test_every_name_is_short_and_safe_or_refused(
    subject: str, location: str, folder: str, make: str, model: str, number: int
) -> None:
    parts = NameParts(subject, location, folder, camera_token(make, model), 2026)
    try:
        name = file_name(parts, number)
    except NameTooLong:
        return
    assert len(name) <= 150
    assert len(name.encode()) <= 255
    assert name == unicodedata.normalize("NFC", name)
    assert all(char == "_" or unicodedata.category(char)[0] in "LNM" for char in name.removesuffix(".JPG"))
    assert not re.search(r"[\x00-\x1f\x7f<>:\"/\\|?*\s]", name)
    assert parse_number(name) == number
    assert "__" not in name
    assert name.split(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}
