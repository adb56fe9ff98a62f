-- Lamport's Paxos with a set of messages that only grows: three acceptors, two values, quorums of two, ballots from 0
-- to LAST. It has the states of MCPaxosTiny (LAST 1) and MCPaxosSmall (LAST 2) of the TLA+ examples.
-- An acceptor answers a ballot once and votes once in it, and a ballot has one proposal, so the set is three tables.

const
  LAST: 2;

type
  acceptor: 1 .. 3;
  ballot: 0 .. LAST;
  number: -1 .. LAST; -- A ballot; -1: none.
  choice: 0 .. 2; -- A value; 0: none.
  answer: record there: boolean; bal: number; val: choice; end;

var
  asked: array [ballot] of boolean;
  proposed: array [ballot] of choice;
  seen: array [acceptor] of number;
  vote_bal: array [acceptor] of number;
  vote_val: array [acceptor] of choice;
  answers: array [acceptor] of array [ballot] of answer;
  voted: array [acceptor] of array [ballot] of boolean;

function allowed(one: acceptor; two: acceptor; b: ballot; v: choice): boolean;
begin
  if !answers[one][b].there | !answers[two][b].there then
    return false;
  elsif answers[one][b].bal > answers[two][b].bal then
    return answers[one][b].val = v;
  else
    return answers[two][b].val = 0 | answers[two][b].val = v;
  end;
end;

startstate begin
  for b: ballot do
    asked[b] := false;
    proposed[b] := 0;
  end;
  for a: acceptor do
    seen[a] := -1;
    vote_bal[a] := -1;
    vote_val[a] := 0;
    for b: ballot do
      answers[a][b].there := false;
      answers[a][b].bal := -1;
      answers[a][b].val := 0;
      voted[a][b] := false;
    end;
  end;
end;

ruleset b: ballot do
  rule "1a" !asked[b] ==> begin
    asked[b] := true;
  end;
end;

ruleset a: acceptor; b: ballot do
  rule "1b" asked[b] & b > seen[a] ==> begin
    seen[a] := b;
    answers[a][b].there := true;
    answers[a][b].bal := vote_bal[a];
    answers[a][b].val := vote_val[a];
  end;
  rule "2b" proposed[b] != 0 & b >= seen[a] ==> begin
    seen[a] := b;
    vote_bal[a] := b;
    vote_val[a] := proposed[b];
    voted[a][b] := true;
  end;
end;

ruleset b: ballot; v: 1 .. 2 do
  rule "2a"
    proposed[b] = 0 & exists one: acceptor do exists two: acceptor do one < two & allowed(one, two, b, v) end end
  ==> begin
    proposed[b] := v;
  end;
end;

invariant "agreement"
  forall b: ballot do forall c: ballot do
    (exists one: acceptor do exists two: acceptor do one < two & voted[one][b] & voted[two][b] end end
    & exists one: acceptor do exists two: acceptor do one < two & voted[one][c] & voted[two][c] end end)
    -> proposed[b] = proposed[c]
  end end;
