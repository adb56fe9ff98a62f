"""One module for each sub-command; each imports its libraries only when it runs."""
