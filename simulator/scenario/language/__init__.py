"""The language of console and scenarios: text in, commands out."""
