"""The invariants over everything that is stored: what tests and `penstock doctor` ask. It reads, it never mends.

Covered, by their numbers in the reliability notes (24 is the design's rule on counters): I1, I4, I5, I7, I8, I9, I10,
I11 to I16, I20, 24, and the health of an SQLite file ("sqlite"). Not yet: I2 and I3 (what stands on targets is
looked at by reconciling), I6 and I17 to I19 (they are about acts, not about what is stored).
"""

from __future__ import annotations

from penstock.oracle.examination import examine
from penstock.oracle.violation import Violation

__all__ = ["Violation", "examine"]
