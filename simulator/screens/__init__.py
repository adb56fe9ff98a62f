"""Where people look and type: the line console and the dashboard."""
