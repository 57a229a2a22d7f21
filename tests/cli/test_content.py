from __future__ import annotations

import time
from pathlib import Path

from tests.cli.calling import call, shell, started


def test_keywords_are_imported_and_what_was_left_out_is_told(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "k.csv"
    file.write_text("keyword,volume\ntea,1\nTEA,2\n?,3\ncoffee,4\n", "utf-8")
    assert call("site", "create", "blog", "--pipeline", "content").code == 0
    found = call("--json", "content", "import", file, "--site", "blog").data
    assert (found["inserted"], [one["line"] for one in found["duplicate"]], len(found["rejected"])) == (2, [3], 1)
    assert call("--json", "content", "import", file, "--site", "blog").data["inserted"] == 0


def test_a_photo_site_takes_no_keywords(home: Path, tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_text("tea\n")
    call("site", "create", "pictures", "--pipeline", "photos")
    called = call("content", "import", tmp_path / "k.csv", "--site", "pictures")
    assert (called.code, "--pipeline content" in called.err) == (2, True)


def test_an_article_is_reviewed_on_the_command_line(home: Path, tmp_path: Path) -> None:
    words = [f.format(t) for t in ("road bike", "tea pot") for f in ("{}", "best {}", "cheap {}")]
    (tmp_path / "k.csv").write_text("\n".join(words))
    call("site", "create", "blog", "--pipeline", "content")
    call("site", "set", "blog", "publish_samples=yes", "image_width=96", "image_height=64")
    call("content", "import", tmp_path / "k.csv", "--site", "blog")
    assert call("-q", "run", "blog").code == 0
    items = call("--json", "review", "list", "blog").data["items"]
    assert [(one["status"], one["flags"]) for one in items] == [("review", ["sample"])] * 2
    first, second = (one["id"] for one in items)
    assert call("review", "approve", "blog", first).code == 0
    assert call("review", "reject", "blog", second, "--reason", "thin").code == 0
    (tmp_path / "body.html").write_text("<p>Mine</p><script>x</script>")
    edited = call("--json", "review", "edit", "blog", first, "--title", "Mine", "--html", tmp_path / "body.html")
    assert edited.data["changed"] == ["html", "title"]
    assert call("--json", "review", "show", "blog", first).data["fields"]["html"] == "<p>Mine</p>"
    assert [one["id"] for one in call("--json", "review", "list", "blog", "--status", "rejected").data["items"]] == [
        second
    ]
    assert call("review", "edit", "blog", first, "--caption", "x").code == 2


def test_a_run_that_is_killed_among_its_pictures_goes_on_where_it_was(tmp_path: Path) -> None:
    home, topics = tmp_path / "home", ("road bike", "tea pot", "garden chair", "wool sock", "oak table", "desk lamp")
    (tmp_path / "k.csv").write_text("\n".join(f.format(t) for t in topics for f in ("{}", "best {}", "cheap {}")))
    shell(home, "site", "create", "blog", "--pipeline", "content")
    shell(home, "content", "import", tmp_path / "k.csv", "--site", "blog")
    shell(home, "run", "blog", "--detach")
    process = started(home, "up", "--once")
    while process.poll() is None and len(list(home.rglob("content/images/*/*.jpg"))) < 3:
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -9
    assert shell(home, "--json", "status", "blog").data["stages"][5]["pending"] > 0
    assert shell(home, "up", "--once").code == 0
    view = shell(home, "--json", "status", "blog").data
    assert (view["status"], view["items"]) == ("completed", {"waiting": 6})
    assert [stage["done"] for stage in view["stages"]] == [18, 6, 6, 6, 6, 18, 6]
    assert shell(home, "--json", "doctor").data["ok"]
