"""The Maelstrom node protocol, both ways: our node under other people's harness, and their nodes under our faults."""
