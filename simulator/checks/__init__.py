"""The judges: what must hold of a cluster, of its files, and of what its clients saw. They never act on a node."""
