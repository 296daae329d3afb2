import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.dynamics import euler, henon, linear_map, logistic, orbit, residual
from hrm_course.dynamics.orbits import distinct

F64 = torch.float64


def t(*values):
    return torch.tensor(values, dtype=F64)


@given(r=st.floats(0, 4), z0=st.floats(0, 1), steps=st.integers(0, 20))
def test_orbit_agrees_with_a_plain_loop(r, z0, steps):
    z, expected = z0, [z0]
    for _ in range(steps):
        z = r * z * (1 - z)
        expected.append(z)
    states = orbit(logistic(r), torch.tensor(z0, dtype=F64), steps)
    torch.testing.assert_close(states, t(*expected), rtol=1e-12, atol=1e-12)


@given(m=st.integers(0, 8), n=st.integers(0, 8))
def test_orbits_are_a_semigroup(m, n):
    whole = orbit(henon(), t(0.1, 0.2), m + n)
    halfway = orbit(henon(), t(0.1, 0.2), m)[-1]
    torch.testing.assert_close(orbit(henon(), halfway, n), whole[m:], rtol=0, atol=0)


def test_orbit_of_a_linear_map_is_the_matrix_power():
    A = torch.randn(5, 5, dtype=F64, generator=torch.Generator().manual_seed(0)) / 3
    states = orbit(linear_map(A), torch.ones(5, dtype=F64), 12)
    torch.testing.assert_close(
        states[-1], torch.linalg.matrix_power(A, 12) @ torch.ones(5, dtype=F64)
    )


def test_orbit_keeps_any_shape_and_records_no_gradient():
    z = torch.rand(3, 4, 2, requires_grad=True)
    states = orbit(henon(), z, 2)
    assert states.shape == (3, 3, 4, 2) and not states.requires_grad


def test_residual_is_zero_exactly_at_the_fixed_points():
    f = logistic(2.5)
    torch.testing.assert_close(residual(f, t(0, 0.6), batched=True), t(0, 0), atol=1e-15, rtol=0)
    assert residual(f, t(0.3)).item() == pytest.approx(abs(2.5 * 0.3 * 0.7 - 0.3))


def test_residual_by_rows_equals_residual_of_each_row():
    z = torch.rand(4, 3, 2, dtype=F64)
    rows = torch.stack([residual(henon(), row) for row in z])
    torch.testing.assert_close(residual(henon(), z, batched=True), rows)


def test_distinct_states_are_counted_and_ordered():
    z = torch.tensor([[5.0, 0], [1, 1], [1, 1 + 1e-9], [5, 0.1], [1, 1]], dtype=F64)
    kinds, labels = distinct(z, merge=1e-6)
    assert kinds.tolist() == [[1, 1], [5, 0], [5, 0.1]]
    assert labels.tolist() == [1, 0, 0, 2, 0]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: orbit(torch.cos, t(1), -1), "steps >= 0"),
        (lambda: orbit(torch.sum, t(1, 2), 1), "shape it was given"),
        (lambda: orbit(lambda z: 0.5, t(1), 1), "returned float"),
        (lambda: orbit(torch.cos, t(float("nan")), 1), "not finite"),
        (lambda: residual(torch.cos, torch.tensor(1.0), batched=True), "first axis"),
        (lambda: linear_map(torch.zeros(2, 3)), "square matrix"),
        (lambda: euler(torch.cos, 0.0), "positive number"),
        (lambda: euler(torch.cos, float("nan")), "positive number"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_state_that_is_no_tensor_gets_a_sentence():
    with pytest.raises(TypeError, match=r"torch\.tensor\(0\.3"):
        orbit(logistic(2.0), 0.3, 5)
