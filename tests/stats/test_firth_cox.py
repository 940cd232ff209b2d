"""Firth's Cox model against firthmodels, by hand, where maximum likelihood has no answer, and where neither has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats._arrays import to_unit_range
from resistance.stats.cox import cox
from resistance.stats.firth_cox import firth_cox
from resistance.stats.partial_likelihood import PartialLikelihood


def rare(n: int = 80, seed: int = 3, carriers: float = 0.08) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < carriers, draw.random(n) < 0.4, draw.normal(65, 8, n)]).astype(float)
    return draw.permutation(n) + 1.0, draw.random(n) < 0.3, x


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("entered", [False, True])
def test_gradient_of_the_penalised_likelihood_is_its_derivative(ties: str, entered: bool) -> None:
    draw = np.random.default_rng(1)
    n = 60
    start = draw.integers(0, 3, n).astype(float)
    time = start + draw.integers(1, 7, n)
    model = PartialLikelihood(
        time,
        draw.random(n) < 0.6,
        draw.normal(size=(n, 3)),
        draw.integers(0, 2, n),
        ties,
        start=start if entered else None,
        weights=draw.uniform(0.5, 2, n),
    )
    params = np.array([0.5, -0.8, 0.2])
    value, gradient, information = model.penalised(params)
    assert value == pytest.approx(model.loglike(params) + np.log(np.linalg.det(information)) / 2, rel=1e-12)
    np.testing.assert_allclose(information, -model.hessian(params), rtol=1e-10)
    for column in range(3):
        step = np.eye(3)[column] * 1e-5
        numeric = (model.penalised(params + step)[0] - model.penalised(params - step)[0]) / 2e-5
        assert gradient[column] == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_firthmodels(seed: int) -> None:
    firthmodels = pytest.importorskip("firthmodels")
    time, event, x = rare(seed=seed)
    x[:, 2] = (x[:, 2] - 65) / 8  # its steps are not scaled
    found = firth_cox(time, event, x)
    outcome = np.array(list(zip(event, time, strict=True)), dtype=[("event", bool), ("time", float)])
    peer = firthmodels.FirthCoxPH(backend="numpy", gtol=1e-6, xtol=1e-8, max_iter=500).fit(x, outcome)
    peer.lrt()
    assert found.coef == pytest.approx(peer.coef_, rel=1e-6, abs=1e-7)
    assert found.p_value == pytest.approx(peer.lrt_pvalues_, rel=1e-6)
    assert np.column_stack([found.ci_low, found.ci_high]) == pytest.approx(peer.conf_int(method="pl"), rel=1e-6, abs=1e-6)


def test_two_patients_by_hand() -> None:
    # one risk set of carrier and non-carrier: l* = log p + log(p q) / 2, greatest at p = 3/4, so the ratio is 3
    found = firth_cox([1, 2], [1, 0], [1, 0])
    assert found.coef[0] == pytest.approx(np.log(3), rel=1e-8)
    assert found.se[0] == pytest.approx(np.sqrt(16 / 3), rel=1e-8)
    assert found.monotone
    assert found.note == "column 0: without the penalty no finite hazard ratio"


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_p_at_the_bounds_of_the_interval_is_one_less_confidence(confidence: float) -> None:
    time, event, x = rare()
    unit, spread = to_unit_range(x)
    found = firth_cox(time, event, x, confidence=confidence)
    from scipy.optimize import minimize
    from scipy.stats import chi2

    model = PartialLikelihood(time, event, unit, None, "efron")

    def profile(value: float) -> float:
        rest = minimize(
            lambda free: -model.penalised(np.array([value, *free]))[0],
            found.coef[1:] * spread[1:],
            jac=lambda free: -model.penalised(np.array([value, *free]))[1][1:],
            options={"gtol": 1e-9},
        )
        return -float(rest.fun)

    top = model.penalised(found.coef * spread)[0]
    for bound in (found.ci_low[0], found.ci_high[0]):
        assert chi2.sf(2 * (top - profile(bound * spread[0])), 1) == pytest.approx(1 - confidence, rel=1e-5)


@pytest.mark.parametrize("affected", ["nobody", "only carriers"])
def test_a_marker_with_all_or_no_events_has_a_finite_ratio_and_is_flagged(affected: str) -> None:
    time, event, x = rare(n=200)
    event = event & (x[:, 0] == 0) if affected == "nobody" else x[:, 0] == 1
    assert cox(time, event, x).reason == "monotone"
    found = firth_cox(time, event, x)
    assert found.converged
    assert found.monotone
    assert 0 in found.monotone_columns
    assert (found.coef[0] < 0) == (affected == "nobody")
    assert np.isfinite([*found.ci_low, *found.ci_high, *found.p_value, found.p_global]).all()


def test_with_many_events_the_penalty_hardly_matters() -> None:
    time, event, x = rare(n=2000, carriers=0.4)
    plain, found = cox(time, event, x), firth_cox(time, event, x)
    assert found.coef == pytest.approx(plain.coef, abs=0.01 * plain.se.max())
    assert found.p_value == pytest.approx(plain.p_value, rel=0.05)
    assert not found.monotone
    assert found.monotone_columns == ()
    assert found.note == ""


@settings(max_examples=6)
@given(st.integers(0, 1000))
def test_order_of_rows_coding_and_units_do_not_matter(seed: int) -> None:
    time, event, x = rare(50, seed)
    found = firth_cox(time, event, x, tested=[0])
    order = np.random.default_rng(seed).permutation(50)
    turned = firth_cox(
        time[order] / 365.25, event[order], np.column_stack([1 - x[:, 0], x[:, 1], x[:, 2] * 365.25])[order], tested=[0]
    )
    assert turned.converged == found.converged
    if found.converged:
        assert turned.coef * [-1, 1, 365.25] == pytest.approx(found.coef, rel=1e-5, abs=1e-7)
        assert -turned.ci_high[0] == pytest.approx(found.ci_low[0], rel=1e-6)
        assert turned.p_value[0] == pytest.approx(found.p_value[0], rel=1e-6)
        assert turned.loglike == pytest.approx(found.loglike, rel=1e-9)
        assert found.ci_low[0] < found.coef[0] < found.ci_high[0]
        assert (found.p_value[0] < 0.05) == (found.ci_low[0] > 0 or found.ci_high[0] < 0)


def test_a_single_carrier_who_is_first_to_have_the_event_is_estimated() -> None:
    draw = np.random.default_rng(0)
    x = np.column_stack([np.arange(300) == 0, draw.normal(size=300)])
    time = draw.exponential(size=300)
    event = draw.random(300) < 0.4
    time[0], event[0] = 0.0, True
    found = firth_cox(time, event, x, tested=[0])
    assert found.converged
    assert found.monotone_columns == (0,)
    assert found.ci_low[0] > 0


def test_strata_are_likelihoods_added() -> None:
    time, event, x = rare(120)
    site = np.arange(120) % 2
    found = firth_cox(time, event, x, strata=site, tested=[])
    models = [PartialLikelihood(time[site == s], event[site == s], x[site == s], None, "efron") for s in (0, 1)]
    information = sum(-model.hessian(found.coef) for model in models)
    together = sum(model.loglike(found.coef) for model in models) + np.linalg.slogdet(information)[1] / 2
    assert found.loglike == pytest.approx(together - np.log(x.std(axis=0, ddof=1)).sum(), rel=1e-10)


def test_delayed_entry_is_taken() -> None:
    time, event, x = rare(100)
    start = np.minimum(time - 1, np.random.default_rng(0).integers(0, 30, 100))
    assert firth_cox(time, event, x, start=np.zeros(100)).coef == pytest.approx(firth_cox(time, event, x).coef, rel=1e-7)
    assert firth_cox(time, event, x, start=start).coef[2] != firth_cox(time, event, x).coef[2]


def test_time_0_is_a_time() -> None:
    found = firth_cox([0, 0, 1, 2, 3, 4], [1, 0, 1, 0, 1, 1], [1, 0, 1, 0, 0, 1])
    shifted = firth_cox([1, 1, 2, 3, 4, 5], [1, 0, 1, 0, 1, 1], [1, 0, 1, 0, 0, 1])
    assert found.coef == pytest.approx(shifted.coef, rel=1e-9)


def test_questions_without_an_answer() -> None:
    time, event, x = rare()
    none = firth_cox(time, np.zeros(80), x)
    assert (none.converged, none.reason, none.note) == (False, "no events", "no events")
    constant = firth_cox(time, event, np.column_stack([x, np.ones(80)]))
    assert (constant.converged, constant.reason, constant.columns) == (False, "collinear", (3,))
    twice = firth_cox(time, event, np.column_stack([x, x[:, 1]]))
    assert (twice.reason, twice.columns) == ("collinear", (1, 3))
    many = firth_cox([1, 2, 3], [1, 1, 1], np.random.default_rng(0).normal(size=(3, 5)))
    assert many.reason == "collinear"
    for found in (none, constant, twice, many):
        numbers = [*found.coef, *found.se, *found.ci_low, *found.p_value, *found.p_wald, found.p_global, found.loglike]
        assert np.isnan(numbers).all()
    alone = firth_cox([1, 2, 3], [0, 0, 1], [0, 1, 0])  # the only event has nobody beside it
    assert (alone.reason, alone.columns) == ("collinear", (0,))


def test_one_event_has_an_answer_that_says_little() -> None:
    found = firth_cox([1, 2, 3, 4], [0, 1, 0, 0], [0, 1, 0, 1])
    assert found.converged
    assert found.p_value[0] > 0.3


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="time: negative"):
        firth_cox([-1, 2], [1, 1], [0, 1])
    with pytest.raises(ValueError, match="event: only 0 and 1"):
        firth_cox([1, 2], [1, 2], [0, 1])
    with pytest.raises(ValueError, match="columns: 1 value"):
        firth_cox([1, 2], [1, 1], [0, np.nan])
    with pytest.raises(ValueError, match="ties: 'exact'"):
        firth_cox([1, 2], [1, 1], [0, 1], ties="exact")


@pytest.mark.parametrize("seed", range(3))
def test_small_tables_always_have_an_answer_or_a_reason(seed: int) -> None:
    draw = np.random.default_rng(seed)
    for _ in range(8):
        n, k = int(draw.integers(2, 25)), int(draw.integers(1, 4))
        x = (draw.random((n, k)) < draw.uniform(0.05, 0.5)).astype(float)
        found = firth_cox(draw.integers(0, 8, n), draw.random(n) < draw.uniform(0.05, 1), x)
        assert found.converged or found.reason in ("no events", "collinear")
        if found.converged:
            assert (found.ci_low < found.coef).all()
            assert (found.coef < found.ci_high).all()
            assert ((found.p_value > 0) & (found.p_value <= 1)).all()
