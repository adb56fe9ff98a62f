"""The one face of a cluster, its clients and what they saw."""
