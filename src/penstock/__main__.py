"""`python -m penstock` is `penstock`."""

from __future__ import annotations

import os

from penstock.cli.main import main

if __name__ == "__main__":
    if "PENSTOCK_FAILPOINTS" in os.environ:  # a test disturbs this very process, and the children that inherit them
        from penstock.engine.failpoint import arm_from_environment

        arm_from_environment(strict=False)
    main()
