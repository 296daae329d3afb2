import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import hrm_course.dynamics as dynamics
from hrm_course.dynamics import newton_map, orbit, residual, sphere_map, tanh_network, tent

F64 = torch.float64


def test_few_names_and_each_explains_itself():
    assert len(dynamics.__all__) <= 40
    for name in dynamics.__all__:
        assert getattr(dynamics, name).__doc__, f"{name} has no docstring"


def test_the_tent_map_has_the_slope_mu():
    z = torch.tensor([0.2, 0.8], dtype=F64)
    torch.testing.assert_close(tent(1.5)(z), torch.tensor([0.3, 0.3], dtype=F64))


@given(
    roots=st.lists(st.complex_numbers(max_magnitude=3), min_size=1, max_size=5),
    z=st.complex_numbers(max_magnitude=5),
)
def test_newtons_map_agrees_with_numpy(roots, z):
    p = np.poly(roots)
    slope = np.polyval(np.polyder(p), z)
    if abs(slope) > 1e-3:
        ours = newton_map(p.tolist())(torch.tensor(z, dtype=torch.complex128)).item()
        assert ours == pytest.approx(z - np.polyval(p, z) / slope, rel=1e-6, abs=1e-6)


def test_newtons_map_doubles_the_digits():
    states = orbit(newton_map(), torch.tensor(1.2 + 0.1j, dtype=torch.complex128), 4)
    error = (states - 1).abs().log10()
    assert ((error[1:4] / error[:3]) > 1.6).all() and error[4] < -11


def test_a_tanh_network_is_reproducible_and_scaled():
    f = tanh_network(400, 1.5, seed=3)
    assert torch.equal(f.weight, tanh_network(400, 1.5, seed=3).weight)
    assert not torch.equal(f.weight, tanh_network(400, 1.5, seed=4).weight)
    assert f.weight.std().item() == pytest.approx(1.5 / 20, rel=0.02)
    # the circular law: the spectrum fills a disc whose radius is the gain
    assert np.abs(np.linalg.eigvals(f.weight)).max() == pytest.approx(1.5, rel=0.1)
    z = torch.rand(3, 400, dtype=F64)
    torch.testing.assert_close(f(z)[1], torch.tanh(f.weight @ z[1]))


@given(kappa=st.floats(0, 5), theta=st.floats(0.01, 3.1))
def test_the_angle_of_the_sphere_map(kappa, theta):
    target = torch.tensor([0.0, 2.0, 0.0], dtype=F64)  # its length does not matter
    z = torch.tensor([math.sin(theta), math.cos(theta), 0.0], dtype=F64)
    image = sphere_map(target, kappa)(z)
    assert image.norm().item() == pytest.approx(1)
    expected = math.atan2(math.sin(theta), kappa + math.cos(theta))
    assert math.acos(max(-1, min(1, image[1].item()))) == pytest.approx(expected, abs=1e-6)


def test_the_poles_of_the_sphere_map():
    target = torch.tensor([0.6, 0.8], dtype=F64)
    poles = torch.stack((target, -target))
    assert residual(sphere_map(target, 0.5), poles, batched=True).max() < 1e-15
    assert residual(sphere_map(target, 1.5), poles, batched=True)[1] == pytest.approx(2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: newton_map((1,)), "degree 1 or more"),
        (lambda: newton_map((0, 1, 1)), "highest power first"),
        (lambda: newton_map()(torch.ones(2)), "torch.complex"),
        (lambda: tanh_network(0, 1.0), "n >= 1"),
        (lambda: sphere_map(torch.zeros(3), 1.0), "not zero"),
        (lambda: sphere_map(torch.full((3,), torch.nan), 1.0), "finite"),
        (lambda: sphere_map(torch.ones(2, 2), 1.0), r"target \[D\]"),
        (lambda: sphere_map(torch.ones(3), -1.0), "0 or more"),
        (lambda: dynamics.henon()(torch.ones(3)), r"shape \[..., 2\] here, not \[3\]"),
        (lambda: dynamics.linear_map(torch.eye(3))(torch.ones(2)), r"shape \[..., 3\]"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: tent()(torch.ones(2) + 1j), "must be real here"),
        (lambda: dynamics.logistic(2.0)(torch.tensor(1)), r"not torch.int64.*\.double"),
        (lambda: tanh_network(2, 1.0)(torch.ones(2)), r"made of torch.float64.*torch.float32"),
        (lambda: dynamics.logistic(2.0)(0.3), r"wrap it: torch.tensor\(0.3"),
    ],
)
def test_numbers_of_another_kind_get_a_sentence(call, sentence):
    with pytest.raises(TypeError, match=sentence):
        call()
