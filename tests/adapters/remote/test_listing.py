from __future__ import annotations

import pytest

from penstock.adapters.remote.listing import machine_entry, machine_line, people_line
from penstock.adapters.remote.wire import Entry

FACTS = "modify=20261125161238;perm=adfr;"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"{FACTS}type=file;size=12; a  b.jpg", ("a  b.jpg", Entry("file", 12))),
        (f"{FACTS}Type=File;Size=12;  led.jpg", (" led.jpg", Entry("file", 12))),
        (f"{FACTS}type=dir; 2026", ("2026", Entry("folder"))),
        (f"{FACTS}type=OS.unix=symlink;size=4; link", ("link", Entry("other"))),
        (f"{FACTS}type=file;size=-1; odd", ("odd", Entry("file", 0))),
        (f"{FACTS}type=cdir; /x", None),
        (f"{FACTS}type=pdir; ..", None),
        (f"{FACTS}type=dir; ..", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_a_machine_line_says_name_kind_and_size(line: str, found: object) -> None:
    assert machine_line(line) == found


def test_a_machine_entry_may_be_the_folder_itself() -> None:
    assert machine_entry("type=cdir;perm=x; /a b") == Entry("folder")
    assert machine_entry("type=file;size=7; /a b") == Entry("file", 7)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-rw-r--r--   1 ftp      ftp         53421 Nov 25 16:02 a  b.jpg", ("a  b.jpg", Entry("file", 53421))),
        ("-rw-r--r--   1 ftp      ftp             1 Nov 25  2025  led.jpg", (" led.jpg", Entry("file", 1))),
        ("drwxr-xr-x+  2 1000     1000         4096 Nov 25 16:02 2026", ("2026", Entry("folder"))),
        ("lrwxrwxrwx   1 a        b               4 Nov 25 16:02 link -> else", ("link", Entry("other"))),
        ("-rw-r--r--   1 a        b               4 Nov 25 16:02 a -> b", ("a -> b", Entry("file", 4))),
        ("drwxr-xr-x   2 a        b            4096 Nov 25 16:02 ..", None),
        ("total 12", None),
        ("", None),
    ],
)
def test_a_line_for_people_is_read_as_unix_servers_print_it(line: str, found: object) -> None:
    assert people_line(line) == found
