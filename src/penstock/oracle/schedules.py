"""I15: every due slot is started once, or skipped with a reason; a schedule that is on knows its next one."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.accounts.models import Site
from penstock.ledger.models import Schedule, Slot
from penstock.ledger.rows import quoted
from penstock.oracle.violation import Look, Violation, ask

MEND = "penstock schedule set SITE --off, then --on: its next slot is reckoned anew"


def check(look: Look) -> Iterator[Violation]:
    """Slots, and the schedules that they come from."""
    slot, schedule, site = quoted(Slot), quoted(Schedule), quoted(Site)
    sql = f"""SELECT s.name, t.due_at, t.outcome FROM {slot} t JOIN {site} s ON s.id=t.site_id
        WHERE ((t.outcome='started' AND t.run='') OR (t.outcome='skipped' AND (t.reason='' OR t.run<>''))
        OR t.outcome NOT IN ('started', 'skipped')) AND {look.only("t.site_id")} ORDER BY t.id"""
    for name, due, outcome in ask(sql):
        yield Violation("I15", f"site {name}", f"its slot of {due} is {outcome} without a run or a reason", MEND)
    sql = f"""SELECT s.name FROM {schedule} c JOIN {site} s ON s.id=c.site_id
        WHERE {look.only("c.site_id")} AND ((c.enabled AND c.next_run_at IS NULL) OR c.next_run_at <=
        (SELECT MAX(t.due_at) FROM {slot} t WHERE t.site_id=c.site_id)) ORDER BY s.name"""
    for (name,) in ask(sql):
        yield Violation("I15", f"site {name}", "its schedule does not know a next slot after the last", MEND)
    sql = f"""SELECT s.name, t.run, COUNT(*) FROM {slot} t JOIN {site} s ON s.id=t.site_id
        WHERE t.run<>'' AND {look.only("t.site_id")} GROUP BY s.name, t.run HAVING COUNT(*)>1"""
    for name, run, n in ask(sql):
        yield Violation("I15", f"site {name}", f"{n} slots claim to have started run {run}", MEND)
