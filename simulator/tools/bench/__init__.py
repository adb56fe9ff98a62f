"""`paxsim bench`: figures of this machine, each beside a limit that was measured in the same run.

Reading order: `case`, `run`, `report`, `compare`; then the measurements, one story a file, and `catalogue`, which lists
them all.
"""
