"""Multi-Paxos as pure transitions: events in, effects out; no clock, chance, file, process or screen.

Follows Lamport, *Paxos Made Simple* (2001), §2 and §3, with the practical parts of van Renesse & Altinbuken,
*Paxos Made Moderately Complex* (2015), and Chandra et al., *Paxos Made Live* (2007). Reading order: `ballot`,
`messages`, `effects`, `quorum`, `acceptor`, `learner`, `leader_view`, `pre_vote`, `campaign`, `election`, `proposer`,
`heartbeats`, `reads`, `waiting_requests`, `request_forwarder`, `replica`.
"""
