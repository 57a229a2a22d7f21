"""As somebody new would: an empty machine, a browser, no document read. Site, photos, run, review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from bench.gallery.serving import served
from tests.console.axe import violations
from tests.console.browser import browser


def type_into(page: Any, field: str, text: str) -> None:
    page.value(f"document.querySelector('[name={field}]').focus()")
    page.call("Input.insertText", text=text)


def press(page: Any, words: str) -> None:
    """Click the button or link that a person would read."""
    found = f"[...document.querySelectorAll('main button, main a')].find((one) => one.innerText.trim() === '{words}')"
    page.wait(found)
    page.value(f"{found}.click()")


def on(page: Any, words: str) -> None:
    page.wait(f"document.querySelector('main')?.innerText.includes('{words}')")


def test_from_an_empty_machine_to_a_finished_first_run(tmp_path: Path, chromium: str) -> None:
    photos = tmp_path / "Pictures" / "Rome"
    photos.mkdir(parents=True)
    for n in range(3):
        Image.effect_noise((640, 480), 40 + 30 * n).convert("RGB").save(photos / f"DSCF{n}.JPG")
    with served(tmp_path / "home") as (_, link), browser(chromium, tmp_path / "profile") as page:
        page.shape(1280, 900)
        page.open(link)
        on(page, "There is no site yet")
        type_into(page, "name", "my-photos")
        press(page, "Make the site")

        on(page, "There are no photos yet")
        for field, text in (
            ("path", str(photos)), ("folder", "city"), ("location", "Rome_Italy"), ("subject", "Old walls"),
        ):  # fmt: skip
            type_into(page, field, text)
        press(page, "Add the photos")
        on(page, "is new to site my-photos")  # places are asked about, so that a slip makes none
        page.value("document.querySelector('[name=yes]').click()")
        press(page, "Add the photos")

        on(page, "has 3 photos")
        press(page, "Start a run")
        on(page, "3 items wait for a run")
        assert violations(page) == []
        press(page, "Run now")
        on(page, "wait for a person")  # the page looks by itself while the run is at work
        assert violations(page) == []
        press(page, "Review what is waiting")
        page.wait("document.title.startsWith('Editor')")
        page.wait("document.querySelector('#frame img')?.naturalWidth > 0")
        assert page.problems == []
