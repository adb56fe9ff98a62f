"""Views: pure functions from a picture of the cluster to something Rich can draw and a pipe can carry.

A view is a `Sheet` or a `Page` of sheets (`simulator/views/sheet.py`): plain data that compares equal when it looks
equal, drawn by Rich to the width at hand, printed by `plain()` without boxes, colour or truncation.
"""
