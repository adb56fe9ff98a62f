"""A recorded run understood: its events in words, their causes, leaderships, outages and clients' operations.

Reading order: `run`, `event_text`, `timeline`, `operations`, `evidence`. Everything here is derived from the lines of a
trace alone, so it holds for both worlds.
"""
