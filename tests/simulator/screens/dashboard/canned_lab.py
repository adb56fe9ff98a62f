"""The whole lab over a fake cluster in real time: run it with `python -m`."""

from __future__ import annotations

import sys
from unittest.mock import patch

from simulator.screens.dashboard import lab
from simulator.settings import Settings
from tests.simulator.screens.console.canned import RealTimeFake

if __name__ == "__main__":
    with patch.object(lab, "open_cluster", lambda _world, settings, **_: RealTimeFake(settings)):
        sys.exit(lab.run_lab(Settings()))
