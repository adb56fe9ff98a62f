"""The lab's screen: it draws a cluster with the pure views and hands typed lines to the console."""
