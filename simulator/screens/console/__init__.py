"""The line console: the scenario language typed by a person or read from a pipe."""
