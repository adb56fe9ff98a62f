"""The one thing that setup.cfg cannot say: what is compiled is optional.

Where no compiler is found it is left out and the install succeeds; `PAXSIM_PURE=1` leaves it out on purpose.
"""

from __future__ import annotations

import os

from setuptools import Extension, setup

PURE = os.environ.get("PAXSIM_PURE", "0") not in {"", "0"}
COMPILED = {
    "chain._nonce": "chain/_nonce.c",
    "simulator.worlds.exhaustive._steps": "simulator/worlds/exhaustive/_steps.c",
    "simulator.worlds.exhaustive._table": "simulator/worlds/exhaustive/_table.c",
}

setup(ext_modules=[] if PURE else [Extension(name, [source], optional=True) for name, source in COMPILED.items()])
