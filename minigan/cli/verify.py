"""``minigan verify``: every equation of the notes, checked."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import DEVICES, library, to_host
from minigan.cli.common import REFUSED, blas_threads, check_file, command, fail
from minigan.cli.output import progress_bar, write_json
from minigan.cli.parser import count


def add(commands: Any) -> None:
    verify = command(commands, "verify", verify_command, "check every equation of the notes")
    verify.add_argument("patterns", nargs="*", metavar="ID",
                        help="which claims: W3, 'G*', errata (default: all of them)")
    verify.add_argument("--seed", type=count(0, 2**63), default=0,
                        help="of the claims' random inputs (default: %(default)s)")
    verify.add_argument("--json", type=Path, metavar="FILE", help="write the checks there as well")
    verify.add_argument("--markdown", type=Path, metavar="FILE", help="write them there as a page")
    verify.add_argument("--verbose", action="store_true", help="print every step that a claim computes")
    verify.add_argument("--self-test", action="store_true",
                        help="plant faults in what the claims compute, and see that each claim notices its own")
    verify.add_argument("--device", default="cpu", help=f"where to compute [{', '.join(DEVICES)}] (default: cpu)")


def verify_command(args: argparse.Namespace) -> int:
    from minigan import claims

    try:
        chosen, xp = claims.select(args.patterns), library(args.device)
        if args.self_test and (args.json or args.markdown or args.verbose or args.device != "cpu"):
            return fail("--self-test prints which faults were noticed, on the cpu, and no more: leave out --json, "
                        "--markdown, --verbose and --device")
        check_file(args.json)
        check_file(args.markdown)
    except REFUSED as error:
        return fail(error)
    if args.self_test:
        return _print_self_test(_each(chosen, lambda claim: (claim, claims.self_test(claim, args.seed))))
    verdicts = _each(chosen, lambda claim: claims.verify(claim, args.seed, xp))
    for verdict in verdicts:
        _print_verdict(verdict, args.verbose)
    if args.json is not None:
        write_json(args.json, [_document(verdict) for verdict in verdicts])
    if args.markdown is not None:
        args.markdown.write_text(claims.markdown(verdicts), encoding="utf-8")
    failed = [verdict.claim.id for verdict in verdicts if not verdict.passed]
    failures = f"; failed: {', '.join(failed)}" if failed else ""
    print(f"{len(verdicts) - len(failed)} of {len(verdicts)} claims hold{failures}")
    return 1 if failed else 0


def _each(claims: Sequence[Any], work: Callable[[Any], Any]) -> list[Any]:
    """What becomes of each claim, under a progress bar."""
    done = []
    with blas_threads(None), progress_bar(len(claims), "claim", leave=False) as bar:
        for claim in claims:
            done.append(work(claim))
            bar.update()
    return done


def _print_verdict(verdict: Any, verbose: bool) -> None:
    claim, worst = verdict.claim, verdict.worst
    shown = verdict.checks if verbose or worst is None else [worst]
    print(f"{'pass' if verdict.passed else 'FAIL'}  {claim.id:<4} {claim.statement}  [{claim.note}; {claim.paper}]")
    if verdict.raised:
        print(f"           raised {verdict.raised}")
    if claim.truth:
        print(f"           true is: {claim.truth}")
    for check in shown:
        mark = "" if check.passed else "  <-- fails"
        print(f"           {check.what}: computed {_number(check.computed)} {check.holds_as('{:.7g}'.format)} expected "
              f"{_number(check.expected)}, error {check.error:.1e} (allowed {check.tolerance:.1e}){mark}")


def _print_self_test(results: list[tuple[Any, list[tuple[str, str, bool]]]]) -> int:
    """The table of planted faults: which claim, in which function, noticed or missed."""
    rows = [(claim, *row) for claim, rows in results for row in rows]
    for claim, name, fault, noticed in rows:
        print(f"{'noticed' if noticed else 'MISSED '}  {claim.id:<4} {name}: {fault}")
    count = sum(noticed for *_, noticed in rows)
    print(f"{count} of {len(rows)} planted faults noticed")
    return 0 if count == len(rows) else 1


def _number(x: Any) -> str:
    numbers = _floats(x)
    if isinstance(numbers, float):
        return f"{numbers:.7g}"
    shown = [f"{v:.7g}" for v in numbers[:6]]
    return f"[{', '.join(shown if len(numbers) <= 6 else [*shown, '...'])}]"


def _floats(x: Any) -> float | list[float]:
    """A number, or all those of an array, on the host."""
    x = np.asarray(to_host(x), dtype=float)
    return x.ravel().tolist() if x.ndim else float(x)


def _document(verdict: Any) -> dict[str, Any]:
    claim = verdict.claim
    checks = [
        {"what": check.what, "computed": _floats(check.computed), "relation": check.holds_as(repr),
         "expected": _floats(check.expected), "error": check.error, "tolerance": check.tolerance,
         "passed": check.passed}
        for check in verdict.checks
    ]
    return {"id": claim.id, "statement": claim.statement, "note": claim.note, "paper": claim.paper,
            "passed": verdict.passed, "raised": verdict.raised, "checks": checks}
