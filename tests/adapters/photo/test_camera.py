"""Every maker's way of writing its name ends in one spelling per camera."""

from __future__ import annotations

import pytest

from penstock.adapters.photo.camera import MAX_CHARACTERS, camera_token


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS R5", "Canon_EOS_R5"),
        ("Canon", "Canon EOS R5m2", "Canon_EOS_R5_Mark_II"),
        ("Canon", "EOS R5 MkII", "Canon_EOS_R5_Mark_II"),
        ("", "Canon EOS R5 Mark II", "Canon_EOS_R5_Mark_II"),
        ("Canon", "Canon Canon EOS 5D Mark 4", "Canon_EOS_5D_Mark_IV"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON_D850"),
        ("OLYMPUS IMAGING CORP.  ", "E-M1MarkII", "OLYMPUS_E_M1_Mark_II"),
        ("OM Digital Solutions", "OM-1", "OM_Digital_Solutions_1"),
        ("SONY", "ILCE-7M4", "SONY_ILCE_7M4"),
        ("FUJIFILM", "X-T5", "FUJIFILM_X_T5"),
        ("Panasonic", "DC-GH5M2", "Panasonic_DC_GH5M2"),
        ("LEICA CAMERA AG", "LEICA Q2", "LEICA_Q2"),
        ("Apple", "iPhone 15 Pro", "Apple_iPhone_15_Pro"),
        ("samsung", "SM-G998B", "samsung_SM_G998B"),
        ("LG Electronics", "LG-H870", "LG_H870"),
        ("CASIO COMPUTER CO.,LTD.", "EX-Z1000", "CASIO_EX_Z1000"),
        ("RICOH IMAGING COMPANY, LTD.", "PENTAX K-1 Mark II", "RICOH_PENTAX_K_1_Mark_II"),
        ("Konica Minolta Camera, Inc.", "DiMAGE A2", "Konica_Minolta_DiMAGE_A2"),
        ("Hasselblad", "X2D 100C", "Hasselblad_X2D_100C"),
        ("DJI", "FC3411", "DJI_FC3411"),
        ("Camera Company", "", "Camera_Company"),
        ("Canon", "", "Canon"),
        ("", "DSC-RX100", "DSC_RX100"),
        ("Bang & Olufsen", "B&O", "Bang_and_Olufsen_B_and_O"),
        ("../../etc", "pa\\ss:wd?", "etc_pa_ss_wd"),
        ("", "", "Unknown_Camera"),
        ("---", "?", "Unknown_Camera"),
        ("\x00", " ", "Unknown_Camera"),
    ],
)
def test_cameras_get_one_spelling(make: str, model: str, expected: str) -> None:
    assert camera_token(make, model) == expected


def test_a_hostile_camera_text_is_capped() -> None:
    assert len(camera_token("x" * 500, "y z " * 500)) <= MAX_CHARACTERS
