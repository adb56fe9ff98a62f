"""The lab over a recording: forward and back, by event, by time, and to what is of interest.

Reading order: `player` (where one is in the run), `drawing` (what the screen shows there), `app` (keys and the screen).
"""
