"""Worlds in which nodes live, all behind the one face of `cluster`."""
