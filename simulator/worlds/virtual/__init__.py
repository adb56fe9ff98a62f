"""The virtual world: the same nodes under one heap of events and one seed, on simulated links, disks and clocks.

Reading order: `disk`, `clock`, `heap`, `network`, `machine`, `misfortune`, `cluster`; then `plan`, `swarm`, `ordeal`.
"""
