"""Views: pure functions from the state of a cluster to something that Rich can draw and a pipe can carry.

A view is a `Sheet` or a `Page` of sheets (`views/sheet.py`): plain data, equal when it looks equal. Rich draws it to
the available width; `plain()` prints it without boxes, colour or truncation.
"""
