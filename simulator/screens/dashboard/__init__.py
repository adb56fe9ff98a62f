"""The lab's screen: it draws pictures of a cluster with the pure views and hands typed lines to the one grammar."""
