"""The command line: ``minigan train``, ``compare``, ``list``, ``sample``, ``verify``, ``selfcheck``.

Nothing is computed here.
"""

import sys
from collections.abc import Sequence

from minigan import __version__
from minigan.cli import compare, listing, sample, selfcheck, train, verify
from minigan.cli.common import INTERRUPTED, fail
from minigan.cli.output import readers_may_leave
from minigan.cli.parser import Parser, RequestError
from minigan.registry import not_among


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit status.

    0 done; 1 the training or a claim failed, or what came of it could not be written; 2 a bad request, refused
    before anything was trained or written; 130 stopped by Ctrl-C.
    """
    with readers_may_leave():
        try:
            return _run(sys.argv[1:] if argv is None else list(argv))
        except RequestError as error:
            return fail(error)
        except KeyboardInterrupt:
            return fail("stopped", INTERRUPTED)
        except (OSError, MemoryError, ImportError) as error:  # a full disk, say; a request is tried before it is begun
            return fail(error, 1)


def _run(words: list[str]) -> int:
    parser = Parser(prog="minigan", description="The mathematics of GANs, runnable.")
    parser.add_argument("--version", action="version", version=f"minigan {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (train, compare, verify, selfcheck, listing, sample):
        module.add(commands)
    if words and not words[0].startswith("-") and words[0] not in commands.choices:
        raise RequestError(not_among(words[0], commands.choices, "command"))
    args = parser.parse_args(words)
    return args.command(args)
