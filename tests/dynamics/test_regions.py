import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import cumulative_trapezoid, trapezoid

from hrm_course.dynamics import (
    basins,
    bifurcation,
    double_well,
    euler,
    euler_maruyama,
    henon,
    logistic,
    logistic_flow,
    newton_map,
    orbit,
    passage_times,
    rk4,
)

F64 = torch.float64
ROOTS = torch.exp(2j * math.pi / 3 * torch.arange(3).to(torch.complex128))


def grid(n):
    axis = torch.linspace(-2, 2, n, dtype=F64)
    x, y = torch.meshgrid(axis, axis, indexing="xy")
    return torch.complex(x, y).flatten()


def test_newtons_basins_agree_with_numpy():
    found = basins(newton_map(), grid(80), ROOTS, tol=1e-6)
    z = grid(80).numpy()
    labels, steps = np.full(len(z), -1), np.full(len(z), 100)
    for step in range(101):
        near = np.abs(z[:, None] - ROOTS.numpy()) <= 1e-6
        new = near.any(1) & (labels < 0)
        labels[new], steps[new] = near.argmax(1)[new], step
        z = z - (z**3 - 1) / (3 * z**2)
    assert (found.labels.numpy() == labels).mean() > 0.999  # rounding moves the boundary
    assert (found.steps.numpy() == steps).mean() > 0.999
    assert found.converged.all() and found.residual.max() < 1e-5


def test_the_shares_of_newtons_basins():
    labels = basins(newton_map(), grid(200), ROOTS).labels
    shares = labels.bincount() / len(labels)
    assert shares.tolist() == pytest.approx([0.353, 0.324, 0.324], abs=0.005)


def test_attractors_that_are_not_named_are_found():
    points = torch.linspace(-2, 2, 41, dtype=F64)[:, None]  # one more start on the barrier
    found = basins(rk4(double_well(), 0.1), points + 0.02, max_steps=500, tol=1e-8)
    assert sorted(found.attractors.flatten().tolist()) == pytest.approx([-1, 1], abs=1e-5)
    side = found.attractors[found.labels].flatten().sign()
    assert torch.equal(side, (points + 0.02).sign().flatten())
    assert found.labels.bincount()[0] >= found.labels.bincount()[1]
    assert (found.residual <= 1e-8).all()


def test_starts_that_arrive_nowhere_have_no_label():
    found = basins(lambda z: z**2, torch.tensor([0.5, 3.0, -1.0], dtype=F64), max_steps=60)
    assert found.labels.tolist() == [0, -1, 1] and not found.converged[1]
    assert found.attractors.tolist() == pytest.approx([0, 1], abs=1e-5)
    lost = basins(newton_map(), torch.zeros(1, dtype=torch.complex128), ROOTS)
    assert lost.labels.tolist() == [-1] and lost.steps.tolist() == [0]  # the slope is zero there
    slow = basins(torch.cos, torch.zeros(1, dtype=F64), max_steps=3)
    assert slow.labels.tolist() == [-1] and slow.steps.tolist() == [3]
    assert slow.residual.item() == pytest.approx(abs(math.cos(0.857553216) - 0.857553216), abs=1e-3)


def test_a_cycle_is_met_at_any_of_its_points():
    states = orbit(logistic(3.2), torch.tensor(0.3, dtype=F64), 500)
    starts = torch.linspace(0.05, 0.95, 20, dtype=F64)
    for point in states[-2:]:
        assert basins(logistic(3.2), starts, point.view(1)).converged.all()
    assert not basins(logistic(3.2), starts).converged.any()  # it has no stable fixed point


def test_a_start_at_an_attractor_takes_no_step():
    found = basins(newton_map(), ROOTS, ROOTS)
    assert found.labels.tolist() == [0, 1, 2] and found.steps.tolist() == [0, 0, 0]


FAMILIES = {
    "logistic": (logistic, [2.8, 3.2, 3.5], torch.tensor(0.3, dtype=F64)),
    "henon": (lambda a: henon(a), [0.2, 0.9], torch.tensor([0.1, 0.1], dtype=F64)),
    "numbers": (lambda h: euler(logistic_flow(), h), [0.5, 2.2], torch.tensor([0.1], dtype=F64)),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_bifurcation_diagram_is_a_stack_of_orbits(name):
    family, parameters, z0 = FAMILIES[name]
    found = bifurcation(family, torch.tensor(parameters, dtype=F64), z0, settle=50, keep=7)
    expected = torch.stack([orbit(family(r), z0, 56)[50:] for r in parameters])
    assert found.shape == (len(parameters), 7, *z0.shape)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_the_pitchfork_of_r_tanh_z_is_at_one():
    r = torch.linspace(0.5, 1.5, 201, dtype=F64)
    ends = bifurcation(
        lambda r: lambda z: r * torch.tanh(z), r, torch.tensor(0.5, dtype=F64), 5_000, 1
    )
    left = r[ends[:, 0] > 1e-3].min().item()
    assert left == pytest.approx(1, abs=0.01)
    above = r > 1.05
    expected = torch.sqrt(3 * (r - 1) / r.pow(1))  # to leading order
    assert ((ends[above, 0] / expected[above] - 1).abs() < 0.3).all()


@given(z0=st.floats(0.5, 100), factor=st.floats(0.1, 0.9))
def test_a_shrinking_state_passes_one_after_the_known_number_of_steps(z0, factor):
    times = passage_times(
        lambda z: factor * z, torch.tensor([z0], dtype=F64), lambda z: z >= 1, 200
    )
    exact = math.log(z0) / -math.log(factor)
    assert abs(exact - round(exact)) < 1e-9 or times.item() == max(0, math.floor(exact) + 1)


def test_starts_that_never_leave_have_no_time():
    z0 = torch.tensor([0.2, 2.0, 9.0], dtype=F64)
    times = passage_times(torch.sqrt, z0, lambda z: z < 3, 50)
    assert times[:2].isnan().all() and times[2] == 0
    assert passage_times(torch.square, z0, lambda z: z < 16, 2)[1] == 2  # the last step counts
    assert passage_times(torch.square, z0, lambda z: z < 16, 1)[1].isnan()


@pytest.mark.parametrize("epsilon", [1e-2, 1e-3])
def test_the_passage_of_a_ghost_takes_pi_over_the_root(epsilon):
    step = rk4(lambda z: epsilon + z**2, 0.02)
    steps = passage_times(step, torch.tensor([-10.0], dtype=F64), lambda z: z < 10, 10_000)
    exact = 2 * math.atan(10 / math.sqrt(epsilon)) / math.sqrt(epsilon)
    assert 0 <= 0.02 * steps.item() - exact <= 0.04
    assert exact == pytest.approx(math.pi / math.sqrt(epsilon), rel=0.01)


def test_the_escape_from_a_well_takes_the_time_of_the_exact_quadrature():
    sigma, h, n = 0.8, 0.005, 1_500
    # mean first passage from -1 to 1: (2/s^2) int_-1^1 e^{2V/s^2} int_-inf^y e^{-2V/s^2} dx dy
    x = np.linspace(-4, 1, 20_001)
    V = 2 / sigma**2 * (x**4 / 4 - x**2 / 2)
    inner = cumulative_trapezoid(np.exp(-V), x, initial=0)
    exact = 2 / sigma**2 * trapezoid((np.exp(V) * inner)[x >= -1], x[x >= -1])
    step = euler_maruyama(double_well(), sigma, h, seed=1)
    # noise crosses between two steps unseen: the wall seems 0.5826 sigma sqrt(h) farther away
    # (Broadie, Glasserman and Kou 1997), so it is put that much nearer
    wall = 1 - 0.5826 * sigma * math.sqrt(h)
    times = h * passage_times(step, -torch.ones(n, dtype=F64), lambda z: z < wall, 40_000)
    assert not times.isnan().any()
    assert abs(times.mean() - exact) < 4 * times.std() / math.sqrt(n)


POINTS = torch.zeros(4, 2, dtype=F64)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: basins(torch.cos, POINTS[:0]), "at least one"),
        (lambda: basins(torch.cos, POINTS / 0), "not finite"),
        (lambda: basins(torch.cos, POINTS, torch.zeros(3)), "look like a point"),
        (lambda: basins(torch.cos, POINTS, torch.tensor(0.0)), "needs attractors"),
        (lambda: basins(torch.cos, POINTS, tol=0.0), "tol > 0"),
        (lambda: basins(torch.cos, POINTS, tol=math.nan), "tol > 0"),
        (lambda: basins(torch.cos, POINTS, merge=math.nan), "merge >= 0"),
        (lambda: basins(lambda z: z[:, :1], POINTS), "shape it was given"),
        (lambda: bifurcation(logistic, torch.tensor(3.0), POINTS), r"parameters \[m\]"),
        (lambda: bifurcation(logistic, torch.ones(2), POINTS, keep=0), "keep >= 1"),
        (lambda: bifurcation(lambda r: torch.sum, torch.ones(2), POINTS), "shape it was given"),
        (lambda: passage_times(torch.cos, POINTS[:0], torch.isnan, 5), "at least one"),
        (lambda: passage_times(torch.cos, POINTS, torch.isfinite, 5), "one boolean for each"),
        (lambda: passage_times(torch.cos, POINTS, lambda z: True, 5), "one boolean for each"),
        (lambda: passage_times(torch.cos, POINTS[:, 0], torch.sin, 5), "one boolean for each"),
        (lambda: passage_times(torch.cos, POINTS[:, 0], torch.isfinite, -1), "max_steps >= 0"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
