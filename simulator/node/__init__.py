"""One replica: the driver around `paxos`, its state machine, its files, and its border to the world."""
