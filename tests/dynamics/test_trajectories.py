"""How orbits end, dimensions and controls, against closed forms and brute force."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm_course.dynamics import (
    auc,
    ending,
    henon,
    linear_map,
    logistic,
    orbit,
    participation_ratio,
    two_nn,
    walk_like,
)

F64 = torch.float64
seeds = st.integers(0, 10_000)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def spread_into(states, dimensions, seed=0):
    """The same states in more dimensions, turned at random."""
    return states @ torch.linalg.qr(normal(dimensions, dimensions, seed=seed)).Q[: states.shape[1]]


# ---- how an orbit ends ----


def synthetic(kind, seed, steps=128, dimensions=30):
    """An orbit of a known kind, with a transient and a little noise where it does no harm."""
    rng = np.random.default_rng(seed)
    t = torch.arange(steps + 1, dtype=F64)
    start = normal(1, dimensions, seed=seed)
    if kind == "fixed point":
        rate, turn = rng.uniform(0.3, 0.96), rng.uniform(0, math.pi)
        wave = torch.stack(((turn * t).cos(), (turn * t).sin()), 1) * rate ** t.unsqueeze(1)
        return start + spread_into(wave, dimensions, seed)
    if kind == "limit cycle":
        period = rng.integers(2, 13) if seed % 2 else rng.uniform(3, 13)
        angle = 2 * math.pi * t / period
        wave = torch.stack((angle.cos(), angle.sin(), (2 * angle).cos()), 1)
        fade = 0.8 ** t.unsqueeze(1) * start
        return fade + spread_into(wave, dimensions, seed)
    cloud = normal(steps + 1, dimensions, seed=seed + 1)
    memory = rng.uniform(0, 0.9)
    states = [start[0]]
    for kick in cloud[1:]:
        states.append(memory * states[-1] + kick)
    return torch.stack(states)


@pytest.mark.parametrize("kind", ["fixed point", "limit cycle", "wandering"])
def test_synthetic_orbits_are_told_apart(kind):
    orbits = torch.stack([synthetic(kind, seed) for seed in range(60)], dim=1)
    found = ending(orbits, batched=True)
    assert sum(k == kind for k in found.kind) >= 57, found.kind
    alone = ending(orbits[:, 7])
    assert alone.kind == found.kind[7] and alone.recurrence == found.recurrence[7]
    assert alone.period == found.period[7]


@pytest.mark.parametrize(
    ("f", "start", "kind", "period"),
    [
        (logistic(2.8), [0.2], "fixed point", None),
        (logistic(3.2), [0.2], "limit cycle", 2),
        (logistic(3.5), [0.2], "limit cycle", 4),
        (logistic(4.0), [0.2], "wandering", None),
        (henon(), [0.1, 0.1], "wandering", None),
        (linear_map(0.9 * torch.eye(2, dtype=F64)), [1.0, 2.0], "fixed point", None),
        (linear_map(torch.tensor([[0.0, -1], [1, 0]], dtype=F64)), [1.0, 0], "limit cycle", 4),
        (linear_map(torch.eye(1, dtype=F64)), [1.0], "fixed point", None),
        (lambda z: z + 1, [0.0], "wandering", None),  # near where it was, but never away and back
    ],
)
def test_maps_whose_end_is_known(f, start, kind, period):
    found = ending(orbit(f, torch.tensor(start, dtype=F64), 128))
    assert found.kind == kind
    assert period is None or found.period == period


def test_rounding_does_not_hide_a_point_of_rest():
    """Moves of 1e-7 for ever, as of single precision: they don't shrink, and are no motion."""
    noise = 1e-7 * normal(65, 30)
    noise[0] += 10
    found = ending(noise)
    assert found.kind == "fixed point" and found.shrink > 0.5 and found.still < 1e-6


@given(seed=seeds, scale=st.floats(1e-3, 1e3))
@settings(max_examples=20)
def test_the_numbers_of_an_ending_do_not_depend_on_units_and_axes(seed, scale):
    states = synthetic("wandering", seed, steps=40)
    turned = scale * spread_into(states, 30, seed=1) + 5 * scale
    one, other = ending(states), ending(turned)
    for name in ("shrink", "still", "recurrence"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=1e-6, atol=1e-9)
    assert one.period == other.period


def test_shrink_of_a_geometric_approach_is_its_rate_to_the_quarter():
    found = ending(orbit(linear_map(0.95 * torch.eye(1, dtype=F64)), torch.ones(1, dtype=F64), 64))
    assert found.shrink.item() == pytest.approx(0.95**16)


# ---- dimensions ----


@given(seed=seeds, n=st.integers(2, 12))
@settings(max_examples=20)
def test_participation_ratio_by_the_eigenvalues_of_the_covariance(seed, n):
    states = normal(n, 2, 3, seed=seed)
    values = np.linalg.eigvalsh(np.cov(states.flatten(1).numpy().T))
    assert participation_ratio(states).item() == pytest.approx(
        values.sum() ** 2 / (values**2).sum()
    )


def test_participation_ratio_of_equal_variances_is_their_number():
    corners = torch.cat((torch.eye(5, dtype=F64), -torch.eye(5, dtype=F64)))
    assert participation_ratio(corners).item() == pytest.approx(5)
    line = torch.linspace(0, 1, 9, dtype=F64).unsqueeze(1) * torch.ones(4, dtype=F64)
    assert participation_ratio(line + 1e6).item() == pytest.approx(1)
    assert participation_ratio(torch.ones(4, 3)).item() == 0
    both = torch.stack((line, line.flip(1) + 3), dim=1)
    assert participation_ratio(both, batched=True).tolist() == pytest.approx([1, 1])


def test_participation_ratio_of_a_long_walk_tends_to_five_halves():
    """Its shares are 6 / (pi k)^2, and the sum of their squares is 36 / 90."""
    walk = normal(400, 20_000).cumsum(0)
    assert participation_ratio(walk).item() == pytest.approx(2.5, abs=0.03)


def test_two_nn_by_hand():
    states = torch.tensor([[0.0], [1.0], [3.0], [7.0]], dtype=F64)
    ratios = [3 / 1, 2 / 1, 3 / 2, 6 / 4]
    assert two_nn(states).item() == pytest.approx(3 / np.log(ratios).sum())


@pytest.mark.parametrize("d", [1, 2, 4])
def test_two_nn_finds_the_dimension_of_a_turned_cube(d):
    cube = torch.rand(1_500, d, dtype=F64, generator=torch.Generator().manual_seed(d))
    torus = torch.cat(((2 * math.pi * cube).cos(), (2 * math.pi * cube).sin()), dim=1)
    assert two_nn(spread_into(torus, 12)).item() == pytest.approx(d, rel=0.12)


def test_two_nn_leaves_repeated_states_out():
    states = normal(50, 3)
    twice = torch.cat((states, states[:20]))
    assert two_nn(twice) == two_nn(states)
    assert two_nn(torch.ones(9, 2)).isnan()
    pair = torch.stack((states, 2 * states), dim=1)
    torch.testing.assert_close(two_nn(pair, batched=True), two_nn(states).expand(2))


# ---- controls ----


@given(seed=seeds)
@settings(max_examples=20)
def test_a_walk_has_the_start_and_the_steps_of_the_orbit(seed):
    states = normal(12, 3, 2, seed=seed)
    walk = walk_like(states, seed)
    assert torch.equal(walk[0], states[0]) and walk.shape == states.shape
    lengths = [z.diff(dim=0).flatten(1).norm(dim=1) for z in (states, walk)]
    torch.testing.assert_close(*lengths)
    assert not torch.equal(walk, walk_like(states, seed + 1))


def test_directions_of_a_walk_are_spread_evenly():
    steps = walk_like(torch.arange(4_001, dtype=F64).view(-1, 1) * torch.ones(3, dtype=F64)).diff(
        dim=0
    )
    second = steps.T @ steps / len(steps)  # of length sqrt(3): the unit matrix
    torch.testing.assert_close(second, torch.eye(3, dtype=F64), atol=0.08, rtol=0)
    assert steps.mean(0).abs().max() < 0.08


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=8),
    st.lists(st.integers(-3, 3), min_size=1, max_size=8),
)
def test_auc_counts_pairs(first, second):
    pairs = [(a > b) + (a == b) / 2 for a in first for b in second]
    one, other = torch.tensor(first, dtype=F64), torch.tensor(second, dtype=F64)
    found = auc(one, other)
    assert found == pytest.approx(sum(pairs) / len(pairs))
    assert found + auc(other, one) == pytest.approx(1)


def test_auc_agrees_with_the_rank_test_of_scipy():
    from scipy.stats import mannwhitneyu

    first, second = normal(30), normal(40, seed=1) + 0.5
    u = mannwhitneyu(first, second).statistic
    assert auc(first, second) == pytest.approx(u / 1200)
    assert auc(torch.tensor([math.inf]), first) == 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ending(torch.zeros(15, 2)), "n at least 16, not"),
        (lambda: ending(torch.full((20, 2), torch.nan)), "not finite"),
        (lambda: ending(torch.zeros(20), batched=True), "n, B, "),
        (lambda: participation_ratio(torch.zeros(1, 2)), "n at least 2"),
        (lambda: two_nn(torch.zeros(2, 2)), "n at least 3"),
        (lambda: walk_like(torch.full((3, 1), torch.inf)), "not finite"),
        (lambda: auc(torch.zeros(0), torch.ones(1)), "at least one number"),
        (lambda: auc(torch.tensor([torch.nan]), torch.ones(1)), "without NaN"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
