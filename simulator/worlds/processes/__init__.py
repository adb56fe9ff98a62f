"""The real world behind the `Cluster` face: a supervisor that is the network, and one process of the system a node."""
