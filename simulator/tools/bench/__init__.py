"""`paxsim bench`: benchmarks of this machine, each beside a limit that was measured in the same run.

Reading order: `case`, `run`, `report`, `compare`; then one file for each measurement, and `catalogue`, which lists
them.
"""
