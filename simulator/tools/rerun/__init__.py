"""A recorded run on real nodes again: fed the same, they must do the same."""
