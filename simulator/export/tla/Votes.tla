------------------------------ MODULE Votes ------------------------------
(* One slot of a replicated log, as its acceptors see it: ballots are      *)
(* promised, values are voted for. A value is chosen when a majority has   *)
(* voted for it at one ballot. Every step below is allowed only if no      *)
(* other value can have been chosen, or ever be, at a lower ballot; so     *)
(* agreement follows, and is an invariant that TLC looks at too.           *)
(* A ballot is a number from 1; 0 stands for "none".                       *)
EXTENDS Integers, FiniteSets

CONSTANT Acceptors

VARIABLES promised,   \* For each acceptor the highest ballot it has promised.
          votes       \* For each acceptor its votes: pairs of a ballot and a value.

Majorities == {m \in SUBSET Acceptors : 2 * Cardinality(m) > Cardinality(Acceptors)}

NothingYet == /\ promised = [a \in Acceptors |-> 0]
              /\ votes = [a \in Acceptors |-> {}]

AllVotes == UNION {votes[a] : a \in Acceptors}

VotedAt(a, b) == \E vote \in votes[a] : vote[1] = b

(* No majority has chosen, or can still choose, another value than v at a  *)
(* ballot below b. Some majority has promised b or more, and the highest   *)
(* ballot below b at which one of it has voted, if any, was for v.         *)
Safe(b, v) ==
  \E m \in Majorities :
    /\ \A a \in m : promised[a] >= b
    /\ LET below == {vote \in UNION {votes[a] : a \in m} : vote[1] < b}
       IN \/ below = {}
          \/ \E top \in below : /\ top[2] = v
                                /\ \A vote \in below : vote[1] <= top[1]

Promise(a, b) == /\ b >= promised[a]
                 /\ promised' = [promised EXCEPT ![a] = b]
                 /\ UNCHANGED votes

Vote(a, b, v) ==
  /\ b >= promised[a]
  /\ \A vote \in AllVotes : vote[1] = b => vote[2] = v   \* One value a ballot.
  /\ Safe(b, v)
  /\ promised' = [promised EXCEPT ![a] = b]
  /\ votes' = [votes EXCEPT ![a] = @ \cup {<<b, v>>}]

Chosen == {v \in {vote[2] : vote \in AllVotes} :
             \E b \in {vote[1] : vote \in AllVotes} :
               \E m \in Majorities : \A a \in m : <<b, v>> \in votes[a]}

Learn(v) == v \in Chosen /\ UNCHANGED <<promised, votes>>

Agreement == Cardinality(Chosen) <= 1
==========================================================================
