import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.dynamics import hopfield, hopfield_energy, orbit

F64 = torch.float64


def signs(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2.0 * torch.randint(0, 2, shape, generator=generator).to(F64) - 1


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


@given(m=st.integers(1, 6), n=st.integers(2, 12), seed=st.integers(0, 1_000))
def test_the_classical_update_agrees_with_a_plain_loop(m, n, seed):
    X, z = signs(m, n, seed=seed), signs(n, seed=seed + 1)
    W = np.array(
        [[0 if i == j else (X[:, i] @ X[:, j]).item() for j in range(n)] for i in range(n)]
    )
    drive = W @ z.numpy()
    expected = np.where(np.abs(drive) < 1e-9, z.numpy(), np.sign(drive))
    np.testing.assert_array_equal(hopfield(X)(z), expected)
    assert hopfield_energy(X, z).item() == pytest.approx(-(z.numpy() @ drive) / 2 / n, abs=1e-9)


@given(m=st.integers(1, 8), n=st.integers(2, 16), seed=st.integers(0, 1_000))
def test_updates_in_turn_never_raise_the_energy(m, n, seed):
    X, z = signs(m, n, seed=seed), signs(5, n, seed=seed + 1)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    for i in order:
        after = hopfield(X, order=i.view(1))(z)
        assert (hopfield_energy(X, after) <= hopfield_energy(X, z) + 1e-12).all()
        z = after
    start = signs(5, n, seed=seed + 1)
    assert torch.equal(hopfield(X, order=order)(start), z)  # a sweep is those updates in turn
    assert torch.equal(start, signs(5, n, seed=seed + 1))  # and leaves its argument alone


def test_updates_all_at_once_may_end_in_a_cycle_of_two():
    X = torch.tensor([[1.0, -1.0]], dtype=F64)  # the weight between the two units is negative
    states = orbit(hopfield(X), torch.tensor([1.0, 1.0], dtype=F64), 2)
    assert states[1].tolist() == [-1, -1] and states[2].tolist() == [1, 1]
    calm = orbit(hopfield(X, order=torch.arange(2)), torch.tensor([1.0, 1.0], dtype=F64), 2)
    assert torch.equal(calm[1], calm[2])


def test_a_few_patterns_are_recalled_and_many_are_not():
    def overlap(load):
        X = signs(round(300 * load), 300)
        noisy = X * torch.where(
            torch.rand(X.shape, generator=torch.Generator().manual_seed(1)) < 0.05, -1, 1
        )
        return (orbit(hopfield(X), noisy, 20)[-1] * X).mean().item()

    assert overlap(0.05) > 0.99 and overlap(0.3) < 0.8
    X = signs(5, 300)
    torch.testing.assert_close(hopfield(X)(-X), -X)  # the opposite of a memory is one too


@given(beta=st.floats(0.1, 8), seed=st.integers(0, 1_000))
def test_the_modern_update_is_attention(beta, seed):
    X, z = normal(7, 5, seed=seed), normal(3, 5, seed=seed + 1)
    attention = torch.nn.functional.scaled_dot_product_attention(z, X, X, scale=beta)
    torch.testing.assert_close(hopfield(X, beta)(z), attention)


@given(beta=st.floats(0.1, 8), seed=st.integers(0, 1_000))
def test_the_modern_energy_falls_and_is_never_negative(beta, seed):
    X, z = normal(7, 5, seed=seed), 2 * normal(3, 5, seed=seed + 1)
    energies = hopfield_energy(X, orbit(hopfield(X, beta), z, 10), beta)
    assert (energies.diff(dim=0) <= 1e-9).all() and (energies >= -1e-9).all()
    with torch.enable_grad():  # the update is z minus the gradient of the energy
        z.requires_grad_(True)
        (gradient,) = torch.autograd.grad(hopfield_energy(X, z, beta).sum(), z)
    torch.testing.assert_close(hopfield(X, beta)(z), z - gradient)


def test_beta_turns_the_mean_into_retrieval():
    X = normal(50, 64)
    z = X + 0.3 * normal(50, 64, seed=1)
    torch.testing.assert_close(hopfield(X, 1e-9)(z), X.mean(0).expand(50, 64))
    torch.testing.assert_close(hopfield(X, 8.0)(z), X, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: hopfield(torch.ones(3)), "matrix"),
        (lambda: hopfield(torch.ones(0, 3)), "matrix"),
        (lambda: hopfield(torch.rand(2, 3)), r"\+1 and -1"),
        (lambda: hopfield(torch.rand(2, 3), beta=0.0), "positive number"),
        (lambda: hopfield(torch.rand(2, 3), beta=1.0, order=torch.arange(3)), "classical"),
        (lambda: hopfield(torch.rand(2, 3), beta=np.inf), "positive number"),
        (lambda: hopfield(torch.ones(2, 3), order=[0, 3]), "numbers of units, 0 to 2"),
        (lambda: hopfield(torch.ones(2, 3), order=[0.5]), "numbers of units, 0 to 2"),
        (lambda: hopfield_energy(torch.rand(2, 3), torch.ones(3)), r"\+1 and -1"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
