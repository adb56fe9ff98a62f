"""`paxsim completion`: the script with which a shell completes our words."""

from __future__ import annotations

from typing import Literal

import click

from simulator.cli.group import LabCommand
from simulator.cli.options import common_options
from simulator.cli.output import Output


@click.command(
    "completion",
    cls=LabCommand,
    short_help="Prints the shell's completion script.",
    examples=[
        ('eval "$(paxsim completion bash)"', "complete in this bash"),
        ("paxsim completion fish > ~/.config/fish/completions/paxsim.fish", "complete in every fish from now on"),
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(ctx: click.Context, shell: Literal["bash", "zsh", "fish"]) -> int:
    """Print the script that lets SHELL complete sub-commands, options and built-in scenarios."""
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, f"click knows {shell}"
    # The base class's method: bash's own first starts a bash to ask for its version.
    script = ShellComplete.source(kind(ctx.find_root().command, {}, "paxsim", "_PAXSIM_COMPLETE"))
    ctx.ensure_object(Output).result(script.rstrip())
    return 0
