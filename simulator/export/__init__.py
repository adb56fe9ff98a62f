"""A recorded run for other people's tools, one module a format.

`formats` lists them, and docs/export.md says how to open each. Every module has a function that takes a run and gives
the lines of a file. Text of users is escaped as its format asks.
"""
