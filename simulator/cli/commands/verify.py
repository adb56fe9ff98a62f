"""`paxsim verify`: audits the text files of nodes, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.failures import CHECK_FAILED, OK
from simulator.cli.group import LabCommand
from simulator.cli.options import common_options, json_option
from simulator.cli.output import Output


@click.command(
    "verify",
    cls=LabCommand,
    short_help="Audits the nodes' text files: checksums, hash links, nonces, replay.",
    examples=[
        ("paxsim verify data", "audit what the last lab left in data/"),
        ("paxsim verify data --json", "the same for a script"),
    ],
)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
@common_options
@click.pass_obj
def verify(output: Output, *, directory: Path, json: bool) -> int:
    """Audit the files of all nodes under DIR (or of the one node whose folder DIR is).

    Every checksum, hash link and nonce must hold, each blog must be the replay of its chain, and of any two chains one
    must begin with the other. The exit status is 1 when something does not hold.
    """
    from simulator.checks.audit import verify_directory

    report = verify_directory(directory)
    if json:
        output.json(report)
    else:
        for node in report.nodes:
            output.result(f"node {node.node}: height {node.height}, hash {node.hash}")
            for problem in node.problems:
                output.result(f"  {problem}")
        output.result("all files hold" if report.ok else "damage found")
    return OK if report.ok else CHECK_FAILED
