---------------------------- MODULE SmallPaxos ----------------------------
(* Lamport's Paxos with a set of messages that only grows: three acceptors, *)
(* two values, quorums of two, ballots from 0 to Last. It has the states of *)
(* MCPaxosTiny (Last = 1) and MCPaxosSmall (Last = 2) of the TLA+ examples. *)
EXTENDS Integers

CONSTANT Last

VARIABLES seen,    \* For each acceptor the highest ballot it has seen; -1: none.
          vote,    \* For each acceptor its last vote: its ballot and value; -1: none.
          msgs     \* All messages ever sent.

Acceptors == 1 .. 3
Quorums == {{1, 2}, {1, 3}, {2, 3}}
Ballots == 0 .. Last
Values == 1 .. 2
NoVote == [bal |-> -1, val |-> -1]

Init == /\ seen = [a \in Acceptors |-> -1]
        /\ vote = [a \in Acceptors |-> NoVote]
        /\ msgs = {}

Send(m) == msgs' = msgs \cup {m}

Ask(b) == Send([kind |-> "1a", bal |-> b]) /\ UNCHANGED <<seen, vote>>

Answer(a) == \E m \in msgs : /\ m.kind = "1a" /\ m.bal > seen[a]
                             /\ seen' = [seen EXCEPT ![a] = m.bal]
                             /\ Send([kind |-> "1b", from |-> a, bal |-> m.bal, vote |-> vote[a]])
                             /\ UNCHANGED vote

(* Every answer of a quorum, and the value of the highest vote among them.  *)
Allowed(b, v) ==
  \E q \in Quorums :
    LET answers == {m \in msgs : m.kind = "1b" /\ m.bal = b /\ m.from \in q}
    IN /\ \A a \in q : \E m \in answers : m.from = a
       /\ \/ \A m \in answers : m.vote = NoVote
          \/ \E top \in answers : /\ top.vote.val = v
                                  /\ \A m \in answers : m.vote.bal <= top.vote.bal

Propose(b, v) == /\ ~ \E m \in msgs : m.kind = "2a" /\ m.bal = b
                 /\ Allowed(b, v)
                 /\ Send([kind |-> "2a", bal |-> b, val |-> v])
                 /\ UNCHANGED <<seen, vote>>

Accept(a) == \E m \in msgs : /\ m.kind = "2a" /\ m.bal >= seen[a]
                             /\ seen' = [seen EXCEPT ![a] = m.bal]
                             /\ vote' = [vote EXCEPT ![a] = [bal |-> m.bal, val |-> m.val]]
                             /\ Send([kind |-> "2b", from |-> a, bal |-> m.bal, val |-> m.val])

Next == \/ \E b \in Ballots : Ask(b) \/ \E v \in Values : Propose(b, v)
        \/ \E a \in Acceptors : Answer(a) \/ Accept(a)

Chosen(v) == \E b \in Ballots : \E q \in Quorums : \A a \in q :
               [kind |-> "2b", from |-> a, bal |-> b, val |-> v] \in msgs

Agreement == \A v, w \in Values : Chosen(v) /\ Chosen(w) => v = w
===========================================================================
