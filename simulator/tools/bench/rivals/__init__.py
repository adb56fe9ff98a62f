"""What we are measured against: bare loops and other projects."""
