"""Builds what is compiled with gcc's sanitizers, and runs its tests on that build.

`make sanitised` and `.ci/run` call it. AddressSanitizer sees reads and writes outside of what was allocated,
UndefinedBehaviorSanitizer shifts and overflows that C does not define. Both forms of SHA-256's compression run: the one
with the processor's instructions, and the portable one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HOUSE = Path(__file__).parent.parent.parent
FLAGS = ("-O1", "-g", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined")
NOT_RECOVERED = "-fno-sanitize-recover=all"
COMPILED = ("chain/_nonce", "simulator/worlds/exhaustive/_steps", "simulator/worlds/exhaustive/_table")
TESTS = (
    "tests/chain",
    "tests/simulator/worlds/exhaustive/test_cluster_steps.py",
    "tests/simulator/worlds/exhaustive/test_fingerprints.py",
)
FORMS = {"with the processor's instructions": (), "portable": ("-DPAXSIM_PORTABLE",)}


def main() -> int:
    """The exit status: 0 when the tests pass on both builds."""
    gcc = shutil.which("gcc")
    if gcc is None:
        sys.stderr.write("There is no gcc here, so nothing was sanitised.\n")
        return 2
    runtime = subprocess.run([gcc, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    status = 0
    for form, defined in FORMS.items():
        sys.stdout.write(f"{form}:\n")
        sys.stdout.flush()
        with tempfile.TemporaryDirectory(prefix="paxsim-sanitised-") as name:
            copy = Path(name)
            for folder in ("blog", "chain", "paxos", "simulator", "tests"):
                shutil.copytree(HOUSE / folder, copy / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
            shutil.copy(HOUSE / "setup.cfg", copy / "setup.cfg")
            include = f"-I{sysconfig.get_paths()['include']}"
            for module in COMPILED:
                built = copy / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"
                source = str(copy / f"{module}.c")
                subprocess.run([gcc, *FLAGS, NOT_RECOVERED, *defined, include, source, "-o", str(built)], check=True)
            environment = {
                **os.environ,
                "LD_PRELOAD": runtime.stdout.strip(),
                "ASAN_OPTIONS": "detect_leaks=0",  # The interpreter leaves much to the end of the process.
                "PAXSIM_PURE": "",
                "PYTHONPATH": name,
                "PYTHONMALLOC": "malloc",  # So that the sanitizer sees the bounds of each object.
            }
            tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
            status |= subprocess.run(tests, cwd=copy, env=environment, check=False).returncode
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main())
