"""How hard the properties try: the profiles of hypothesis, for every test below this folder.

* `dev`, the default: a few examples of each property, new ones in each run; what failed is tried first the next time.
* `ci`, taken when the variable CI is set: as many, and always the same ones.
* `nightly`: a hundred times as many. `HYPOTHESIS_PROFILE=nightly python -m pytest tests/properties`, or
  `--hypothesis-profile nightly`.

No profile has a deadline: a machine that is busy with other things makes nothing wrong. A test that is quicker or
slower than most scales the number of examples (`tests/properties/effort.py`), and never names one.

Hundreds of tests start the program or its nodes. Where PYTHONDONTWRITEBYTECODE is set, each start would compile every
module again, which is half of the time that a small cluster takes. So the tests do without that variable.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False  # The workers of xdist, and whatever tests start, get the environment.

BASE = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", BASE, max_examples=20)
settings.register_profile("ci", BASE, max_examples=20, derandomize=True, database=None)
settings.register_profile("nightly", BASE, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """At night a test may take as long as its examples take."""
    if settings.get_current_profile_name() == "nightly":
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: no garbage collection looks through it again."""
    gc.collect()
    gc.freeze()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts this run in the background has it ignore Ctrl-C, and what tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
