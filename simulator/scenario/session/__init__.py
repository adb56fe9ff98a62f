"""Commands carried out on a cluster: one session of a console or a scenario."""
