"""What the cluster is measured against: bare patterns and other projects."""
