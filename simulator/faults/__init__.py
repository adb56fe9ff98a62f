"""What can go wrong, as data, and what a link does to a message."""
