"""The pictures of the documents: a demo site in a real browser, looked at in all its ways.

    python -m tests.docs.pictures [FOLDER]    # writes docs/images/*.jpg, or all of them elsewhere

They show the program as it is: photos, texts and numbers come from a run of `penstock demo`.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.gallery.serving import environment, served
from tests.console.browser import Page, browser
from tests.docs.documents import ROOT

SITE = "demo"
SAVED = "document.getElementById('saving').textContent === 'All saved'"
READY = "document.querySelector('#frame img')?.naturalWidth > 0"
KEPT = ("editor", "editor-dark", "tablet", "phone", "grid", "look-alikes", "unsent", "changed-elsewhere", "publish")
"""What the documents show; the others are only looked at."""


def main() -> None:
    """Make them all."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="penstock-pictures-") as folder:
        home = Path(folder) / "home"
        words = [sys.executable, "-m", "penstock", "--home", str(home), "demo", "--no-serve"]
        subprocess.run(words, cwd=folder, env=environment(home), check=True, stdout=subprocess.DEVNULL)
        chromium = os.environ.get("PENSTOCK_CHROMIUM", "chromium")
        with browser(chromium, Path(folder) / "profile") as page:
            Album(page, home, target, everything=len(sys.argv) > 1).make()


class Album:
    """One browser, one home, one folder of pictures."""

    def __init__(self, page: Page, home: Path, target: Path, *, everything: bool) -> None:
        self.page, self.home, self.target, self.everything = page, home, target, everything
        self.base = ""

    def make(self) -> None:
        """In the order in which a site gets into these states."""
        with served(self.home) as (port, link):
            self.base = f"http://127.0.0.1:{port}"
            self.page.shape(1440, 900)
            self.page.open(link)
            self.page.wait("document.title.startsWith('Sites')")
            self._ways()
            self._dialogs()
            self._changed()
        self._unsent()
        with served(self.home, port):
            self.page.wait(SAVED)  # until then the browser asks before it leaves
            self._other_pages()
            self._emptied()

    def _ways(self) -> None:
        self._open("editor")
        self._shot("quality-check")
        self.page.value("document.querySelector('#qc button')?.click()")
        self._shot("editor")
        self._press("d", "i")
        self._shot("editor-details")
        for name, (width, height), dark in (
            ("editor-dark", (1440, 900), True), ("tablet", (820, 1180), False), ("phone", (390, 844), True),
        ):  # fmt: skip
            self.page.shape(width, height, dark=dark)
            self._open("editor")
            self._shot(name, height)
        self.page.shape(1440, 900)

    def _dialogs(self) -> None:
        self._open("editor")
        self._press("v")
        self.page.wait("document.querySelectorAll('.cell img').length > 3")
        self.page.value("document.getElementById('pick-all').click()")
        time.sleep(1.0)
        self._shot("grid")
        self.page.value("document.querySelector('[data-view=list]').click()")
        self.page.value("document.getElementById('filter-open').click()")
        self._shot("list")
        self.page.value("document.querySelector('[data-batch=replace]').click()")
        self.page.wait("document.getElementById('ask').open")
        self.page.value("document.querySelector('#ask input').focus()")
        self.page.call("Input.insertText", text="light")
        self._shot("replace")
        self.page.value("document.getElementById('ask').close(); document.querySelector('[data-view=one]').click()")
        self.page.value("document.activeElement.blur()")  # it was in the search field: letters are text there
        self._press("w")
        self.page.wait("document.getElementById('ask').open")
        self._shot("look-alikes")
        self.page.value("document.getElementById('ask').close()")
        self._press("?")
        self._shot("keys")
        self.page.value("document.getElementById('ask').close()")
        self._press("c", "ArrowRight", " ")
        self._shot("compare")
        self._press(" ", "c", "ArrowLeft")

    def _changed(self) -> None:
        self._open("editor")
        item = self.page.value("document.getElementById('frame').dataset.item")
        self.page.value("const f = document.getElementById('f-Caption'); f.focus(); f.select(); 1")
        self.page.call("Input.insertText", text="Bricks of a garden wall in the bright noon light, a bit wethered.")
        theirs = "A wall of red bricks in bright light, seen from close up."
        self._cli("review", "edit", SITE, str(item), "--caption", theirs)
        self.page.value("document.getElementById('save').click()")
        self.page.wait("document.querySelector('#notices .bad')")
        time.sleep(1.5)
        self._shot("changed-elsewhere")
        self.page.value("localStorage.clear(); sessionStorage.clear()")
        self._open("editor")
        self.page.value("document.querySelector('#qc button')?.click()")
        time.sleep(1.0)

    def _unsent(self) -> None:
        """The server has gone."""
        self._press("a", "a", "f")
        self.page.wait("document.getElementById('saving').textContent.includes('unsent')")
        self.page.value("document.getElementById('saving').click()")
        self._shot("unsent")
        self.page.value("document.getElementById('ask').close()")

    def _other_pages(self) -> None:
        self.page.open(f"{self.base}/sites/{SITE}/publish?look=1")
        self._shot("publish")
        self.page.value("document.querySelector('[data-confirm]').click()")
        self._shot("publish-confirm")
        self.page.value("document.querySelector('#sure form').submit()")
        self.page.wait("document.querySelector('#now')?.innerText.includes('completed')")
        self._shot("publish-done")
        self.page.open(f"{self.base}/sites/{SITE}/recover")
        self._shot("recover")
        self.page.open(f"{self.base}/sites/{SITE}/runs")
        run = self.page.value("document.querySelector('.runs tbody tr:last-child a').href")
        self.page.open(f"{run}/rollback")
        self._shot("rollback")

    def _emptied(self) -> None:
        self._open("editor?status=Rejected", ready="!document.getElementById('nothing').hidden")
        self._shot("empty")

    def _cli(self, *words: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "penstock", "--home", str(self.home), *words],
            env=environment(self.home), capture_output=True, text=True,
        )  # fmt: skip
        return ran.stdout

    def _open(self, name: str, ready: str = READY) -> None:
        self.page.open(f"{self.base}/sites/{SITE}/{name}")
        self.page.wait(ready)
        time.sleep(1.2)

    def _press(self, *keys: str) -> None:
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            base = {"key": key, "code": key, "windowsVirtualKeyCode": ord(key.upper()) if len(key) == 1 else 0}
            self.page.call("Input.dispatchKeyEvent", type="keyDown", **base, **text)
            self.page.call("Input.dispatchKeyEvent", type="keyUp", **base)
            time.sleep(0.4)

    def _shot(self, name: str, height: int = 900) -> None:
        if not self.everything and name not in KEPT:
            return
        time.sleep(0.6)
        clip: dict[str, Any] = {"x": 0, "y": 0, "width": self.page.value("innerWidth"), "height": height, "scale": 1}
        got = self.page.call("Page.captureScreenshot", clip=clip, format="jpeg", quality=82)
        (self.target / f"{name}.jpg").write_bytes(base64.b64decode(got["data"]))


if __name__ == "__main__":
    main()
