"""Errata about divergences (E1, E6, E7, E9, E17, E20)."""

from __future__ import annotations

from math import erf, exp, log, sqrt
from typing import Any

import numpy as np

from minigan.claims.claim import Checks, Lab, at_least, claim, equals
from minigan.claims.faults import SCALE, SIGN, instead, shifted, wrong
from minigan.claims.routes import log_normal
from minigan.theory.divergences import JS, KL, conjugate, divergence_between, jensen_shannon
from minigan.theory.optimal import optimal_value_between

LOG_2 = log(2.0)


@claim("E1", "with hardly any overlap JS is near 0 and the discriminator's objective near log 2",
         truth="JS → log 2 and V(D*, G) → 0", note="advanced", paper="Goodfellow et al. (2014), theorem 1",
         computes={"between": divergence_between, "value": optimal_value_between})
def js_of_disjoint_supports(f: Any, lab: Lab) -> Checks:
    p, q = log_normal(0.0), log_normal(14.0)
    overlap = 1 - erf(7 / sqrt(2))  # ∫ min(p, q), two tails beyond 7σ
    yield equals("JS of N(0,1) and N(14,1)", f.between(JS, p, q), LOG_2, atol=overlap + 1e-9)
    yield equals("V(D*, G) of the same", f.value(p, q), 0.0, atol=30 * overlap)
    yield equals("JS of a pair that overlaps wholly", f.between(JS, p, p), 0.0)

js_of_disjoint_supports.must_notice(
    between=[SCALE, SIGN],
    value=[shifted(-2 * LOG_2), shifted(0.01)])


@claim("E6", "x log x \"can be approximated as\" e^{t−1}",
         truth="e^{t−1} is its conjugate, a function of the slope t, not of x",
         note="advanced", paper="Rockafellar (1970), section 12",
         computes={"conjugate": lambda t: float(conjugate(KL.f, np.array([t]))[0])})
def conjugate_is_no_approximation(f: Any, lab: Lab) -> Checks:
    for t in (-1.0, 1.0, 2.0):
        yield equals(f"sup of {t:g}u − u log u", f.conjugate(t), exp(t - 1))
    yield at_least("2 log 2 and e^{2−1} differ by", abs(f.conjugate(2.0) - 2 * LOG_2), 1.3)

conjugate_is_no_approximation.must_notice(
    conjugate=[SCALE, SIGN, instead("f itself", lambda t: abs(t) * log(abs(t) + 1e-300))])


def disjoint(n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([1.0, 0.0], n) / n, np.repeat([0.0, 1.0], n) / n


@claim("E7", "JS is bounded by [0, 1]", truth="in bits; in nats by [0, log 2]", note="weng",
       paper="Lin (1991), theorem 4", computes={"js": jensen_shannon})
def bounds_of_js(f: Any, lab: Lab) -> Checks:
    p, q = map(lab.array, disjoint())
    yield equals("JS of disjoint p, q in nats", f.js(p, q), LOG_2)
    yield equals("the same in bits", f.js(p, q, base=2), 1.0)
    yield equals("JS(p, p)", f.js(p, p), 0.0)

bounds_of_js.must_notice(js=[SCALE, SIGN])


@claim("E9", "N(0,1) and N(1,1) illustrate that KL is asymmetric",
         truth="equal variances: KL = 0.5 both ways; N(0,1) and N(0,4) do",
         note="weng", paper="Kullback & Leibler (1951)", computes={"between": divergence_between})
def asymmetry_of_kl(f: Any, lab: Lab) -> Checks:
    yield equals("KL(N(0,1) ‖ N(1,1))", f.between(KL, log_normal(0), log_normal(1)), 0.5)
    yield equals("KL(N(1,1) ‖ N(0,1))", f.between(KL, log_normal(1), log_normal(0)), 0.5)
    yield equals("KL(N(0,1) ‖ N(0,4))", f.between(KL, log_normal(0), log_normal(0, 2)), LOG_2 + 1 / 8 - 1 / 2)
    yield equals("KL(N(0,4) ‖ N(0,1))", f.between(KL, log_normal(0, 2), log_normal(0)), -LOG_2 + 2 - 1 / 2)

asymmetry_of_kl.must_notice(
    between=[SCALE, SIGN, wrong("swapped p and q", lambda f, row, p, q: f(row, q, p))])


@claim("E17", "JS with and without the ½; 2 log 2 for JS itself",
       truth="a convention, to be said wherever a number is printed: with the ½ at most log 2, without it 2 log 2",
       note="xu, weng, advanced", paper="Lin (1991), eq. 3.1", computes={"js": jensen_shannon})
def two_conventions(f: Any, lab: Lab) -> Checks:
    p, q = map(lab.array, disjoint())
    yield equals("with the ½ (Lin, weng)", f.js(p, q), LOG_2)
    yield equals("without (xu)", f.js(p, q, halved=False), 2 * LOG_2)

two_conventions.must_notice(
    js=[SCALE, SIGN, wrong("always halved", lambda js, p, q, **halved: js(p, q))])


@claim("E20", "in JS of the parallel lines both sums are at x = 0",
       truth="the second is at x = θ: at x = 0 it would vanish", note="weng",
       paper="Arjovsky et al. (2017), example 1", computes={"js": jensen_shannon})
def where_the_sums_are(f: Any, lab: Lab) -> Checks:
    p, q = map(lab.array, ([1.0, 0.0], [0.0, 1.0]))  # the mass at x = 0 and at x = θ
    yield equals("½·1·log(1/½) at 0 + ½·1·log(1/½) at θ", f.js(p, q), 0.5 * log(2) + 0.5 * log(2))
    yield at_least("more than the first sum alone", f.js(p, q), 0.5 * LOG_2 + 0.3)

where_the_sums_are.must_notice(
    js=[SCALE, SIGN, instead("both sums at 0", lambda p, q: 0.5 * LOG_2)])
