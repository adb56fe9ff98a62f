"""What acceptors made durable, as steps of a voting specification in TLA+, for TLC to judge."""
