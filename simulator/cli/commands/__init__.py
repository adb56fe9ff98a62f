"""One module a sub-command; each imports what it runs only when it runs, so that none waits for another's screen."""
