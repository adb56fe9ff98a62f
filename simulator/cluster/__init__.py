"""The interface of a cluster, its clients and their recorded history."""
