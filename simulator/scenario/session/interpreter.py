"""Carries out parsed lines on a session's cluster, in either world."""

from __future__ import annotations

from blog.operations import Comment, Post
from simulator.cluster.interface import Query, Ticket
from simulator.errors import InputError
from simulator.files.places import Places
from simulator.scenario.language import commands
from simulator.scenario.language.commands import Expect, Line
from simulator.scenario.language.help import help_lines
from simulator.scenario.session.analysis_files import explain, report_to
from simulator.scenario.session.fault_commands import delivered_by, faults_of, in_short, of_kind
from simulator.scenario.session.files import save_to, trace_to, verify_files
from simulator.scenario.session.inspect import show_answer, show_inspected, show_log
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.node_selector import NodeSelector, current_leader, nodes_up
from simulator.scenario.session.saving import refuse_set, saved_lines
from simulator.scenario.session.session import Interrupted, PendingAnswer, Session
from simulator.scenario.session.time_commands import TimeCommands
from simulator.scenario.session.wait_expect import WaitAndExpect
from simulator.scenario.session.workload import LoadRun
from simulator.text.counted import counted
from simulator.text.units import format_ms

MAX_RUN_DEPTH = 8
"""How deep files may run one another: deeper is taken for a loop."""
MAX_RUN_ROWS = 100_000
"""How many lines `run` may take from files in all, comments included, for one line of a person or for one scenario."""

MESSAGE_MS = 1_000
NAMED_MESSAGE_MS = 10_000
"""How long, in milliseconds, `deliver` waits for messages to be sent; longer when it names a kind of message."""

STEP_MS = 600_000
"""How long, in milliseconds, `at step` lets time pass."""

LEADER_MS = 20_000
"""How long, in milliseconds, a line that names the leader waits for one: a new cluster has none yet."""


class Interpreter:
    """Carries out one line after the other. `over` is true once the session was asked to end.

    `from_file`: the lines are those of a scenario file, whose reach is limited (see `Places`).
    """

    def __init__(self, session: Session, *, from_file: bool = False) -> None:
        self.over = False
        self.time: TimeCommands | None = None
        self._from_file = from_file
        self._confirmed = False
        self._depth = 0
        self._rows_left = MAX_RUN_ROWS
        self.adopt(session)

    def adopt(self, session: Session) -> None:
        """Work on this session from now on."""
        self.session = session
        self._wait_and_expect = WaitAndExpect(session)

    def carry_out(self, line: Line, *, confirmed: bool = False) -> None:
        """Carry out a line; return when it is done, or at once where the session does not wait for answers.

        `confirmed`: the person has agreed to replace a foreign file.

        Raises:
            ForeignFile: the line would replace a foreign file, and the person has not agreed.
            InputError: it cannot be done as things stand. The session can go on.
            Interrupted: somebody asked to wait no longer.
        """
        session = self.session
        self._confirmed = confirmed
        session.begin()
        at_ms = line.at_ms
        if line.at_step is not None:
            self._await_step(line.at_step)
            if at_ms is not None:
                session.pass_time_to(at_ms - session.clock_ms())
        elif at_ms is not None:
            session.pass_time(lambda: False, at_ms - session.clock_ms())  # Everything due at that time has happened.
        if isinstance(line.command, commands.TimeCommand):
            self._time_commands(line).carry_out(line.command)
            return
        is_part_of_the_run = not isinstance(
            line.command, commands.Save | commands.Help | commands.Quit | commands.SetKey
        )
        if is_part_of_the_run:
            session.typed.append((session.clock_ms(), line.text))
        self._await_leader(line)
        self._await_messages(line)
        session.process_due()
        if is_part_of_the_run and self.time is not None:
            self.time.travel.keep(line)
        try:
            self._do(line, session.selector())
        except (InputError, Interrupted):
            if self.time is not None:
                self.time.travel.drop(line)
            raise
        session.process_due()

    def carry_out_again(self, line: Line) -> None:
        """Carry out a line where it was carried out before; nothing is waited for."""
        session = self.session
        waits, session.waits_for_answers = session.waits_for_answers, False
        try:
            self._do(line, session.selector())
        except InputError:  # As before: nobody needs to hear of it twice.
            pass
        finally:
            session.waits_for_answers = waits
        session.process_due()

    def _do(self, line: Line, selector: NodeSelector) -> None:
        session, command = self.session, line.command
        match command:
            case commands.Post() | commands.Comment():
                self._write(command, self._client_node(line, selector), line.client)
            case commands.View():
                self._view(command, self._client_node(line, selector), line.client)
            case commands.Again():
                self._again(command, self._node(line, selector))
            case commands.Inspect():
                show_inspected(session, command, self._inspected(command, line, selector))
            case commands.ShowLog():
                show_log(session, command, 0 if command.node is None else selector.one(command.node))
            case commands.Load():
                self._load(command)
            case commands.Sleep():
                session.pass_time(lambda: False, command.for_ms)
            case commands.WaitFor():
                self._wait_and_expect.wait(command, line, selector)
            case commands.Expect():
                self._wait_and_expect.expect(command, line, selector)
            case _:
                self._do_for_session(command, line, selector)

    def _do_for_session(self, command: commands.Command, line: Line, selector: NodeSelector) -> None:
        session = self.session
        match command:
            case commands.Check():
                self._check(line)
            case commands.Verify():
                verify_files(session, line)
            case commands.RunFile():
                self._run(command.name)
            case commands.Save():
                lines = saved_lines(session) if self.time is None else self.time.travel.saved_lines()
                save_to(session.cluster, lines, command.path, self._places())
                session.output.write(f"saved {counted(len(lines), 'command')} in {command.path}", "quiet")
            case commands.Trace():
                count = trace_to(session.cluster, command.path, self._places())
                session.output.write(f"wrote {counted(count, 'event')} to {command.path}", "quiet")
            case commands.Report():
                count = report_to(session.cluster, command.path, self._places())
                session.output.write(f"drew {counted(count, 'event')} in {command.path}", "quiet")
            case commands.Why():
                number = command.number if command.node is None else selector.one(command.node)
                session.output.write("\n".join(explain(session.cluster, command.what, number)))
            case commands.Use():
                session.default_node = selector.one(command.node)
                session.default_chosen = True
                session.output.write(f"node {session.default_node} is the default now", "quiet")
            case commands.Help():
                self._help(command.word)
            case commands.Quit():
                self.over = True
            case commands.SetKey():
                raise InputError("'set' must come before the first other command: start again to change a setting.")
            case _:
                self._inject(command, line, selector)

    def _help(self, word: str) -> None:
        session = self.session
        if session.screen is not None and not word:
            session.screen.show_help()
        else:
            session.output.write("\n".join(help_lines(word)))

    # Time

    def _await_step(self, step: int) -> None:
        simulated = self.session.cluster.simulated
        if simulated is None:
            raise InputError("'at step' needs the virtual world: real time has no steps.")
        self.session.pass_time(lambda: simulated.steps >= step, STEP_MS)

    def _time_commands(self, line: Line) -> TimeCommands:
        if self.time is None or self._from_file or self._depth:
            word = line.untimed.split()[0].lower()
            raise InputError(
                f"'{word}' is for a person in virtual time: open the lab or the console with --world virtual."
            )
        return self.time

    # Nodes

    def _await_leader(self, line: Line) -> None:
        """Wait for the first leader: a file that begins with `crash leader` means it."""
        if "leader" not in line.text.lower() or isinstance(line.command, commands.WaitFor | Expect):
            return
        if line.node == "leader" or _names_leader(line.command):
            self.session.wait_until(lambda: current_leader(self.session.cluster) is not None, LEADER_MS)

    def _node(self, line: Line, selector: NodeSelector) -> int:
        """The node of the line."""
        return self.session.default_node if line.node is None else selector.one(line.node)

    def _client_node(self, line: Line, selector: NodeSelector) -> int:
        """The node for a client that named none: node 1, or another one when it is not up."""
        session, node = self.session, self._node(line, selector)
        if line.node is None and not session.default_chosen and (life := session.cluster.status(node).life) != "up":
            up = nodes_up(session.cluster)
            if up:
                session.output.write(f"node {node} is {life}: asking node {up[0]}", "quiet")
                return up[0]
        return node

    def _inspected(self, command: commands.Inspect, line: Line, selector: NodeSelector) -> int | None:
        """The node to show; None for all."""
        if command.node is not None:
            return selector.one(command.node)
        if command.what == "queue" and line.node is None:
            return None
        return self._node(line, selector)

    # Requests

    def _write(self, command: commands.Post | commands.Comment, node: int, client: tuple[int, int] | None) -> None:
        session = self.session
        make = Post if isinstance(command, commands.Post) else Comment
        process, number = client or (None, 0)
        operation = make(command.user, command.title, command.content)
        ticket = session.cluster.submit(node, operation, process=process, session=number)
        self._follow(ticket, None, background=command.background)

    def _view(self, command: commands.View, node: int, client: tuple[int, int] | None) -> None:
        kind = "whole" if command.kind == "all" and not command.brief else command.kind
        query = Query(kind=kind, name=command.name, linearizable=command.linearizable)
        ticket = self.session.cluster.read(node, query, process=client[0] if client else None)
        self._follow(ticket, command, background=command.background)

    def _again(self, command: commands.Again, node: int) -> None:
        session = self.session
        ticket = session.ticket(command.number)
        simulated = session.cluster.simulated
        if simulated is None:
            raise InputError("'again' needs the virtual world: here a client asks once.")
        simulated.ask_again(ticket, node, answered=command.answered)
        session.output.write(f"[{ticket.number}] sent once more, to node {node}", "quiet")

    def _follow(self, ticket: Ticket, view: commands.View | None, *, background: bool) -> None:
        """Wait for the answer, or write its number now and its answer later behind the same number."""
        session = self.session
        aside = background or not session.waits_for_answers
        # A local read needs no number; a person's linearizable read may take longer and then says what it was.
        heading = f"[{ticket.number}] " if background or (aside and view is None) else ""
        session.track(PendingAnswer(ticket, lambda before: show_answer(session.output, ticket, view, before), heading))
        if not aside:
            session.await_answer(ticket)
        elif heading:
            session.output.write(f"[{ticket.number}] sent to node {ticket.node}", "quiet")

    def _load(self, command: commands.Load) -> None:
        session = self.session
        number = session.next_load_number()
        load = LoadRun(session.cluster, command, number=number, seed=session.cluster.settings.seed)
        session.loads.append(load)
        if command.background or not session.waits_for_answers:
            session.output.write(f"load {number}: {command.rate}/s for {format_ms(command.for_ms)}", "quiet")
            session.process_due()
        else:
            session.pass_time(lambda: load not in session.loads, command.for_ms + 600_000)

    def _check(self, line: Line) -> None:
        session = self.session
        checks = session.checks()
        for name, why in checks.items():
            session.output.write(f"{name}: {why}", "good" if why == "ok" else "bad")
        for name, why in checks.items():
            if why != "ok":
                session.fail(line, f"{name}: {why}")

    # Files

    def _places(self) -> Places:
        return Places(from_file=self._from_file or self._depth > 0, confirmed=self._confirmed)

    def _run(self, name: str) -> None:
        if self._depth >= MAX_RUN_DEPTH:
            raise InputError(f"{name!r} is run {MAX_RUN_DEPTH} files deep: these files run one another in a circle.")
        scenario = load_scenario(name, nodes=self.session.cluster.settings.nodes, places=self._places())
        if not (self._depth or self._from_file):
            self._rows_left = MAX_RUN_ROWS
        self._rows_left -= scenario.rows
        if self._rows_left < 0:
            raise InputError(
                f"{name!r} is not run: 'run' has taken {MAX_RUN_ROWS} lines from files already, which is the most."
            )
        refuse_set(scenario.lines, self.session.cluster)
        self._depth += 1
        typed = list(self.session.typed)
        try:
            for line in scenario.lines:
                if isinstance(line.command, commands.Quit):
                    break
                if not isinstance(line.command, commands.SetKey):
                    self.carry_out(line)
        finally:
            self._depth -= 1
            self.session.typed = typed  # `save` writes the `run` line, not the lines of that file.

    # Faults

    def _await_messages(self, line: Line) -> None:
        """Wait for messages that may not have been sent yet: nodes take a moment to act."""
        command, cluster = line.command, self.session.cluster
        if not isinstance(command, commands.DeliverMessages) or not cluster.links.holding:
            return
        if line.at_ms is not None or line.at_step is not None:
            return  # It says itself when the messages are there.
        links = {self.session.selector().link(link) for link in command.links}
        missing, seen = set(links), 0

        def there() -> bool:
            nonlocal seen
            if command.number is not None or not links:
                return cluster.held_message(command.number) is not None
            new = cluster.held(after=seen)  # Thousands may wait: look at each once.
            if new:
                seen = new[-1].number
                named = of_kind(new, missing, command.kind) if command.kind else new
                missing.difference_update((message.source, message.target) for message in named)
            return not missing

        self.session.wait_until(there, NAMED_MESSAGE_MS if command.kind else MESSAGE_MS)

    def _inject(self, command: commands.Command, line: Line, selector: NodeSelector) -> None:
        session = self.session
        done = faults_of(command, session.cluster, selector, lambda: self._node(line, selector))
        session.before_fault()
        for fault in done:
            going = delivered_by(fault, session.cluster)
            session.cluster.apply(fault)
            session.output.write(fault.line() + (f"  # {in_short(going)}" if going else ""), "quiet")
        if not done:
            session.output.write("nothing to do", "quiet")


def _names_leader(command: commands.Command) -> bool:
    match command:
        case commands.NodeFault():
            return "leader" in command.nodes
        case commands.Part():
            return any("leader" in group for group in command.groups)
        case commands.LinkFault():
            return "leader" in {command.source, command.target}
        case commands.NetConditions():
            return "leader" in command.around or any("leader" in link for link in command.links)
        case (
            commands.Use() | commands.Inspect() | commands.ShowLog() | commands.DiskCommand() | commands.ClockCommand()
        ):
            return command.node == "leader"
        case _:
            return False
