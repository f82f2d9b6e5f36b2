"""``minigan sample``: draw from the generator of a run."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigan.cli.common import REFUSED, check_file, command, fail
from minigan.cli.parser import count
from minigan.lab import memory
from minigan.lab.checkpoint import write_table
from minigan.lab.estimator import GAN


def add(commands: Any) -> None:
    sample = command(commands, "sample", sample_command, "draw from the generator of a run")
    sample.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    sample.add_argument("-n", type=count(1), default=1000, help="how many samples (default: %(default)s)")
    sample.add_argument("--seed", type=count(0, 2**63), help="of the draws (default: the run's own stream)")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE",
                        help="where to write them: .npy, .npz (as `samples`) or .csv")


def sample_command(args: argparse.Namespace) -> int:
    try:
        if args.out.suffix not in WRITERS:
            return fail(f"--out must end in {', '.join(WRITERS)}; got {args.out.name}")
        gan = GAN.load(args.run)
        memory.refuse(memory.needed_to_sample(gan.config_, gan.model_.game, args.n), f"-n {args.n}")
        check_file(args.out)
        samples = gan.sample(args.n, args.seed)
    except REFUSED as error:
        return fail(error)
    WRITERS[args.out.suffix](args.out, samples, gan.model_.names)
    print(f"wrote {args.n} samples to {args.out}")
    return 0


def _write_csv(path: Path, x: np.ndarray, names: Sequence[str]) -> None:
    """The names, where the data have any, and all digits."""
    lines = x.tolist()
    write_table(path, names or lines[0], lines if names else lines[1:])


WRITERS: dict[str, Callable[[Path, np.ndarray, Sequence[str]], None]] = {  # (file, samples, the columns' names)
    ".npy": lambda path, x, names: np.save(path, x, allow_pickle=False),
    ".npz": lambda path, x, names: np.savez(path, samples=x),
    ".csv": _write_csv,
}
