"""The command line: ``minigan train``, ``compare``, ``list``, ``sample``, ``verify``, ``selfcheck``.

Nothing is computed here.
"""

import argparse
from collections.abc import Sequence

from minigan import __version__
from minigan.cli import compare, listing, sample, selfcheck, train, verify


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit status: 0 done, 1 the run failed, 2 a bad request, 130 stopped by Ctrl-C."""
    parser = argparse.ArgumentParser(prog="minigan", description="The mathematics of GANs, runnable.")
    parser.add_argument("--version", action="version", version=f"minigan {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)
    for module in (train, compare, verify, selfcheck, listing, sample):
        module.add(commands)
    args = parser.parse_args(argv)
    return args.command(args)
