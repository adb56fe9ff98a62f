"""The checks: what must hold of a cluster, of its files and of its clients' history. They never change a node."""
