"""``minigan verify``: every equation of the notes, checked."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import DEVICES, DeviceError, library, to_host
from minigan.cli.common import blas_threads, command, fail


def add(commands: Any) -> None:
    verify = command(commands, "verify", verify_command, "check every equation of the notes")
    verify.add_argument("patterns", nargs="*", metavar="ID",
                        help="which claims: W3, 'G*', errata (default: all of them)")
    verify.add_argument("--seed", type=int, default=0, help="of the claims' random inputs (default: %(default)s)")
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
    except (ValueError, DeviceError) as error:
        return fail(error)
    if args.self_test:
        return _print_self_test(_progress(chosen, lambda claim: (claim, claims.self_test(claim, args.seed))))
    verdicts = _progress(chosen, lambda claim: claims.verify(claim, args.seed, xp))
    for verdict in verdicts:
        _print_verdict(verdict, args.verbose)
    if args.json is not None:
        text = json.dumps([_as_json(v) for v in verdicts], indent=1, ensure_ascii=False)
        args.json.write_text(text + "\n", encoding="utf-8")
    if args.markdown is not None:
        args.markdown.write_text(claims.markdown(verdicts), encoding="utf-8")
    failed = [v.claim.id for v in verdicts if not v.passed]
    print(f"{len(verdicts) - len(failed)} of {len(verdicts)} claims hold"
          + f"; failed: {', '.join(failed)}" * bool(failed))
    return 1 if failed else 0


def _progress(claims: Sequence[Any], work: Callable[[Any], Any]) -> list[Any]:
    from tqdm import tqdm

    with blas_threads(None):
        return [work(claim) for claim in tqdm(claims, unit="claim", leave=False, dynamic_ncols=True)]


def _print_verdict(verdict: Any, verbose: bool) -> None:
    claim, worst = verdict.claim, verdict.worst
    print(f"{'pass' if verdict.passed else 'FAIL'}  {claim.id:<4} {claim.statement}  [{claim.note}; {claim.paper}]")
    if verdict.raised:
        print(f"           raised {verdict.raised}")
    if claim.truth:
        print(f"           true is: {claim.truth}")
    for check in verdict.checks if verbose else [worst] * (worst is not None):
        mark = "" if check.passed else "  <-- fails"
        print(f"           {check.what}: computed {_number(check.computed)} {check.relation} expected "
              f"{_number(check.expected)}, error {check.error:.1e} (allowed {check.tolerance:.1e}){mark}")


def _print_self_test(results: list[tuple[Any, list[tuple[str, str, bool]]]]) -> int:
    """The table of planted faults: which claim, in which function, noticed or missed."""
    missed = 0
    for claim, rows in results:
        for name, fault, noticed in rows:
            missed += not noticed
            print(f"{'noticed' if noticed else 'MISSED '}  {claim.id:<4} {name}: {fault}")
    total = sum(len(rows) for _, rows in results)
    print(f"{total - missed} of {total} planted faults noticed")
    return 1 if missed else 0


def _number(x: Any) -> str:
    x = np.asarray(to_host(x), dtype=float)
    values = x.ravel()
    shown = ", ".join(f"{v:.7g}" for v in values[:6])
    return shown if x.ndim == 0 else f"[{shown}{', ...' * (len(values) > 6)}]"


def _as_json(verdict: Any) -> dict[str, Any]:
    def plain(x: Any) -> Any:  # JSON has no infinity and no nan
        x = np.asarray(to_host(x), dtype=float)
        values = [v if np.isfinite(v) else str(v) for v in x.ravel().tolist()]
        return values[0] if x.ndim == 0 else values

    claim = verdict.claim
    checks = [
        {"what": c.what, "computed": plain(c.computed), "relation": c.relation, "expected": plain(c.expected),
         "error": plain(c.error), "tolerance": c.tolerance, "passed": c.passed}
        for c in verdict.checks
    ]
    return {"id": claim.id, "statement": claim.statement, "note": claim.note, "paper": claim.paper,
            "passed": verdict.passed, "raised": verdict.raised, "checks": checks}
