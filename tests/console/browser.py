"""A real Chromium, spoken to over a pipe: one page, looked at and clicked."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = "new Promise((done, give_up) => { const since = performance.now(); (function look() {"
PATIENCE += " if ({}) return done(true); if (performance.now() - since > 15000) return give_up('never: {}');"
PATIENCE += " setTimeout(look, 20); })(); })"


class Moved(Exception):
    """The page went elsewhere while it was asked."""


class Page:
    """One page of the browser. `problems` are uncaught errors and what the console said of errors."""

    def __init__(self, reading: int, writing: int) -> None:
        self._in, self._out = os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)
        self._rest, self._last = b"", 0
        self._session: str | None = None
        self.problems: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol. Raises AssertionError with the browser's reason."""
        self._last += 1
        asked = {"id": self._last, "method": method, "params": params}
        asked |= {"sessionId": self._session} if self._session else {}
        self._out.write(json.dumps(asked).encode() + b"\0")
        while True:
            said = self._message()
            if said.get("id") == self._last:
                if "navigated" in str(said.get("error", "")):
                    raise Moved(method)
                assert "error" not in said, said["error"]
                return dict(said["result"])
            self._note(said)

    def open(self, url: str) -> None:
        """Go there and wait until it has loaded."""
        self.call("Page.navigate", url=url)
        self.wait(f"location.href !== 'about:blank' && document.readyState === 'complete' && {json.dumps(url)} !== ''")

    def wait(self, condition: str) -> None:
        """Until a JavaScript condition holds; survives a navigation in between."""
        script = PATIENCE.replace("{}", condition, 1).replace("{}", condition.replace("'", '"'), 1)
        for _ in range(5):
            try:
                said = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
            except Moved:
                continue
            reason = str(said.get("exceptionDetails", ""))
            assert "never:" not in reason, f"{condition} in {self.value('document.body.innerText')[:2000]}"
            if not reason:
                return

    def value(self, expression: str) -> Any:
        """What an expression is."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """One key."""
        base = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **base, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **base)

    def shape(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window, and whether the person prefers the dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def shot(self, file: Path) -> None:
        """A picture of the page, from its top to its end (at most 3000 pixels)."""
        tall = min(3000, int(self.value("document.documentElement.scrollHeight")))
        clip = {"x": 0, "y": 0, "width": self.value("innerWidth"), "height": tall, "scale": 1}
        data = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Let go of the pipes."""
        self._in.close()
        self._out.close()

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            got = self._in.read(1 << 16)
            assert got, "the browser has gone"
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))

    def _note(self, said: dict[str, Any]) -> None:
        if said.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(said["params"]["exceptionDetails"]))
        entry = said.get("params", {}).get("entry", {})
        if said.get("method") == "Log.entryAdded" and entry.get("level") == "error":
            self.problems.append(f"{entry.get('text')} {entry.get('url', '')}")


@contextmanager
def browser(chromium: str, profile: Path) -> Iterator[Page]:
    """Start Chromium on an empty profile; it is ended with the block."""
    asked_in, asked_out = os.pipe()
    said_in, said_out = os.pipe()

    def plumb() -> None:
        asked, said = (fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (asked_in, said_out))
        os.dup2(asked, 3)  # from above: a pipe that is 3 or 4 already would be closed at the start of the browser
        os.dup2(said, 4)

    process = subprocess.Popen(  # the pipes must be 3 and 4 in the child, so they are moved after the fork
        [chromium, *FLAGS, f"--user-data-dir={profile}"],
        preexec_fn=plumb, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(asked_in)
    os.close(said_out)
    page = Page(said_in, asked_out)
    try:
        yield page
    finally:
        page.close()
        process.terminate()
        process.wait(15)
