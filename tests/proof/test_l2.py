"""Real kills of forked victims and errors they live to tell, in short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.proof import points

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json
from tests.proof import arena, l2, points
with arena.opened(0) as one:
    cases = [l2.run(one, "0:photos.add_set.before_commit:1"), l2.run(one, "0:photos.add_set.after_commit:2"),
             l2.run(one, "0:files.write.before_rename:1+files.write.before_rename:1"), l2.run(one, "0:at:0.01"),
             points.run(one, "0:crash:taxonomy.merge.before_commit:1"),
             points.run(one, "0:error:OSError:taxonomy.merge.after_commit:1")]
    world_hits = one.hits()
print(json.dumps([[case.violations, case.hits] for case in cases]))
"""


def test_whoever_goes_on_after_a_kill_comes_to_the_same_end() -> None:
    """In an interpreter of its own: the victims' home is not that of the tests."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert [violations for violations, _ in found] == [[]] * 6
    assert [hit[0][1] for _, hit in found if hit] == ["kill", "kill", "kill", "crash", "error"]


def test_each_kind_of_disturbance_is_a_column_of_the_matrix() -> None:
    from tests.proof.__main__ import KINDS, kind_of

    assert {kind_of(kind.partition(":")[0]) for kind in points.KINDS} < set(KINDS)
