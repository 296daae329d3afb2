"""The terms of a CMM against dense Jacobians, loops and formulas; their weights; the objective."""

import math
import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_resume import Stream, assert_same, stopping
from torch.nn.attention import SDPBackend, sdpa_kernel

from hrm_course.dynamics import spectral_radius, sphere_map
from hrm_course.dynamics.products import growth_rate, mean_square_stretch, signs
from hrm_course.models import CMM, HRM, TRM, CMMConfig, HRMConfig, State, TRMConfig
from hrm_course.training import (
    AdamATan2,
    AlgGradNorm,
    CMMTerms,
    CMMTrainConfig,
    Objective,
    TrainConfig,
    at_rest,
    continue_target,
    gradient_norms,
    reasoner_loss,
    refill,
    repulsion_loss,
    routh_hurwitz_loss,
    stablemax,
    stablemax_cross_entropy,
    stop_rule,
    train,
)
from hrm_course.training.cmm_losses import TERMS, CMMObjective
from hrm_course.training.distributed import Share
from hrm_course.training.halting import Slots
from hrm_course.training.loop import Training, schedule, train_step, update_average

SHAPE = dict(
    vocab_size=6, seq_len=16, hidden_size=16, num_heads=2, mixer="tokens", position_code="none",
    H_cycles=2, L_cycles=1, num_layers=1, inner_multiple=8,
)  # fmt: skip
NONE = dict.fromkeys(TERMS[2:], 0.0)
ALL = CMMTerms(radius=1.0, jacobian=0.5, every=2, segment_every=4, balance_every=4)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def make(seed=0, **change):
    torch.manual_seed(seed)
    model = CMM(CMMConfig(**(SHAPE | change)))
    torch.nn.init.constant_(model.q_head.bias[:1], 1.0)
    return model


def double(*shape, seed=0):
    return torch.randn(shape, generator=draws(seed), dtype=torch.float64)


# ---- stablemax of higher degree ----------------------------------------------------------------

TABLE = {  # s_n at -5, -2, -1, 1, 2, 3, 5
    1: [0.16667, 0.33333, 0.5, 2, 3, 4, 6],
    3: [0.02542, 0.15789, 0.375, 2.66667, 6.33333, 13, 39.3333],
    5: [0.01094, 0.13761, 0.3681, 2.71667, 7.26667, 18.4, 91.4167],
}


def s(x, n):
    """s_n(x), read off the probabilities of the logits x and 0, as s_n(0) = 1."""
    p = stablemax(torch.tensor([x, 0.0], dtype=torch.float64), n)
    return (p[0] / p[1]).item()


@pytest.mark.parametrize("n", TABLE)
def test_stablemax_n_against_the_table(n):
    for x, expected in zip((-5, -2, -1, 1, 2, 3, 5), TABLE[n], strict=True):
        assert s(x, n) == pytest.approx(expected, abs=5e-6 if abs(x) < 5 else 5e-5)
    assert s(1, 5) == pytest.approx(2.7166667, abs=1e-7)  # not 2.55, of a form that lost a level
    assert s(-2, 3) == pytest.approx(0.1578947, abs=1e-7)


@given(st.floats(-30, 30), st.floats(1e-3, 5), st.integers(1, 7))
def test_stablemax_n_is_reciprocal_increasing_and_the_taylor_polynomial(x, step, n):
    assert s(x, n) * s(-x, n) == pytest.approx(1, rel=1e-12)
    assert s(x + step, n) > s(x, n) > 0
    if x >= 0:
        assert s(x, n) == pytest.approx(sum(x**k / math.factorial(k) for k in range(n + 1)))


@pytest.mark.parametrize("n", [1, 3, 5])
def test_stablemax_n_is_n_times_differentiable_at_0_with_the_derivatives_of_exp(n):
    for side in (1e-12, -1e-12):
        x = torch.tensor([side, 0.0], dtype=torch.float64, requires_grad=True)
        p = stablemax(x, n)
        value = p[0] / p[1].detach() * (p[1].detach() / p[1])
        for _ in range(n):
            (gradient,) = torch.autograd.grad(value, x, create_graph=True)
            value = gradient[0]
            assert value.item() == pytest.approx(1, abs=1e-9)


def test_there_is_no_hidden_shift_and_softmax_is_the_limit():
    z = torch.tensor([2.0, 0.0, -1.0], dtype=torch.float64)
    for n, plain, shifted in ((1, 0.667, 0.632), (3, 0.822, 0.810), (5, 0.8416, 0.8390)):
        assert stablemax(z, n)[0].item() == pytest.approx(plain, abs=5e-4)
        assert stablemax(z - 2, n)[0].item() == pytest.approx(shifted, abs=5e-4)
    torch.testing.assert_close(stablemax(z, 30), z.softmax(0), rtol=0, atol=1e-12)


def test_large_margins_keep_a_gradient_the_larger_the_smaller_n():
    z = torch.full((9,), -10.0, dtype=torch.float64)
    z[0] = 10.0
    for n, mass in ((1, 6.2e-2), (3, 1.5e-4), (5, 3.7e-6)):
        assert 1 - stablemax(z, n)[0].item() == pytest.approx(mass, rel=0.03)
    # in float32 the last of these losses would be a rounding error
    loss = stablemax_cross_entropy(z.float(), torch.tensor(0), 5)
    assert loss.dtype == torch.float64 and loss.item() == pytest.approx(3.7e-6, rel=0.03)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_gradient_of_stablemax_n_is_right_and_finite_everywhere(n):
    x = torch.tensor([1.0, 0.3, -1.0, -2.5, 3.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: stablemax(v, n), (x,))
    stablemax_cross_entropy(x, torch.tensor(1), n).backward()
    assert torch.isfinite(x.grad).all()
    for wrong in (0, -1, 1.5, "3"):
        with pytest.raises(ValueError, match="a whole number from 1"):
            stablemax(x, wrong)


# ---- repulsion ---------------------------------------------------------------------------------


def test_repulsion_against_two_loops():
    z = double(5, 3, 4)
    total = 0.0
    for i in range(5):
        for j in range(5):
            a, b = z[i].flatten(), z[j].flatten()
            total += ((a @ b) / (a.norm() * b.norm())) ** 2 if i != j else 0
    assert repulsion_loss(z).item() == pytest.approx(total.item() / 20, rel=1e-12)


def test_repulsion_asks_for_orthogonality_not_for_distance():
    z = double(1, 4)
    assert repulsion_loss(torch.cat((z, 3 * z))).item() == pytest.approx(1)
    assert repulsion_loss(torch.cat((z, -z))).item() == pytest.approx(1)  # opposite is as bad
    assert repulsion_loss(torch.eye(4).double()).item() == 0
    with pytest.raises(ValueError, match="two or more, not 1"):
        repulsion_loss(z)


def test_repulsion_of_random_directions_and_its_least_value():
    K = 81 * 512
    z = torch.randn(20, K, generator=draws())
    assert repulsion_loss(z).item() == pytest.approx(2.4e-5, rel=0.3)
    # 64 vectors in 32 dimensions: Welch's bound (B - K) / (K (B - 1)), reached by two bases
    bound = (64 - 32) / (32 * 63)
    assert bound == pytest.approx(0.01587, abs=5e-6)
    basis = torch.linalg.qr(double(32, 32))[0]
    frame = torch.cat((torch.eye(32).double(), basis))
    assert repulsion_loss(frame).item() == pytest.approx(bound, rel=1e-9)
    assert repulsion_loss(double(64, 32)) > bound


def test_repulsion_has_a_finite_gradient_even_where_a_row_is_0():
    z = torch.zeros(3, 4, dtype=torch.float64)
    z[0, 0] = 1.0
    z.requires_grad_()
    repulsion_loss(z).backward()
    assert torch.isfinite(z.grad).all()


# ---- equilibrium and stability -----------------------------------------------------------------


def test_the_sphere_map_has_the_picture_the_terms_ask_for():
    """kappa = 0.5 in three dimensions: m = 4/9 at the attracting point, 4/3 at the repelling one."""
    f = sphere_map(torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64), 0.5)
    ends = torch.tensor([[1.0, 0, 0], [-1.0, 0, 0]], dtype=torch.float64)
    network = lambda z, injection: f(z + injection)  # noqa: E731
    gap, m = at_rest(network, ends, torch.zeros_like(ends), "none", draws(), 1)
    assert gap.abs().max() < 1e-20
    torch.testing.assert_close(m, torch.tensor([4 / 9, 4 / 3]).double())  # exact: J is diagonal
    assert routh_hurwitz_loss(m[:1], stable=True) == 0
    assert routh_hurwitz_loss(m[1:], stable=False) == 0


def test_the_threshold_is_1():
    m = torch.tensor([0.0, 1.0, 1.5, 2.0])
    assert routh_hurwitz_loss(m, stable=True).item() == pytest.approx((0.25 + 1) / 4)
    assert routh_hurwitz_loss(m, stable=False).item() == pytest.approx(1 / 4)


def test_two_stable_uses_whose_pair_is_unstable_are_not_seen():
    """Slope 0.6 everywhere: no stability term is active; the growth rate of the segment is 1.4858."""
    slope = lambda z, injection=0.0: 0.6 * (z + injection)  # noqa: E731
    z = torch.zeros(1, 1, dtype=torch.float64)
    m = at_rest(slope, z, z, "none", draws(), 1)[1]
    assert m.item() == pytest.approx(0.6) and routh_hurwitz_loss(m, stable=True) == 0

    def segment(state):  # [B, 2]
        z_H, z_L = state.unbind(1)
        for _ in range(6):
            z_L = slope(z_L, z_H)
        return torch.stack((slope(z_H, z_L), z_L), 1)

    rate = growth_rate(segment, torch.zeros(1, 2, dtype=torch.float64), 12, 2, draws(), True)
    assert rate.item() == pytest.approx(1.4858, abs=5e-5)


@pytest.fixture(params=["tokens", "attention"])
def model(request):
    torch.manual_seed(0)
    change = dict(mixer=request.param, hidden_size=8, seq_len=4, forward_dtype="float64")
    change["position_code"] = "rope" if request.param == "attention" else "none"
    return CMM(CMMConfig(**SHAPE | change)).double()


def dense(f, z):
    """The Jacobians ``[B, n, n]`` of the rows, by reverse mode and in the graph."""
    n = z[0].numel()
    rows = []
    for b in range(len(z)):
        one = lambda u: f(u.view(1, *z.shape[1:])).flatten()  # noqa: E731
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernel has no second derivative
            J = torch.autograd.functional.jacobian(one, z[b].flatten(), create_graph=True)
        rows.append(J.view(n, n))
    return torch.stack(rows)


def test_hutchinson_is_unbiased_and_its_gradient_is_that_of_the_dense_jacobian(model):
    z, injection = double(2, 4, 8), double(2, 4, 8, seed=1)
    J = dense(lambda u: model.network(u, injection[: len(u)]), z[:1])[0].detach()
    rows = 400  # each with a probe of its own
    with torch.no_grad():
        at = z[:1].repeat(rows, 1, 1), injection[:1].repeat(rows, 1, 1)
        m = at_rest(model.network, *at, "input", draws(), 1)[1].mean().item()
    sym = (J + J.T) / 2
    error = math.sqrt(2 * (sym.square().sum() - sym.diagonal().square().sum()) / rows) / 32
    assert abs(m - J.diagonal().mean()) < 4 * error
    # The same probe with the dense matrix: value and gradient.
    v = signs(z[:1], draws(5)).flatten()
    ours = at_rest(model.network, z[:1], injection[:1], "input", draws(5), 1)[1]
    J = dense(lambda u: model.network(u, injection[:1]), z[:1])[0]
    theirs = (v @ J @ v) / 32
    draw = draws(6)  # of several probes the mean
    each = [signs(z[:1], draw).flatten() for _ in range(3)]
    three = at_rest(model.network, z[:1], injection[:1], "input", draws(6), 3)[1]
    assert three.item() == pytest.approx(sum((v @ J @ v).item() for v in each) / 96, rel=1e-9)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
    for p, q in zip(gradients(ours.sum(), model), gradients(theirs, model), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-8)


def gradients(loss, model):
    parameters = [*model.layers.parameters()]
    return torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)


@pytest.mark.parametrize("detach", ["none", "input", "target"])
@pytest.mark.parametrize("probes", [0, 1])
def test_the_three_rules_of_detaching(model, detach, probes):
    z, injection = double(2, 4, 8).requires_grad_(), double(2, 4, 8, seed=1).requires_grad_()
    loss = at_rest(model.network, z, injection, detach, draws(), probes)[0].mean()
    got = torch.autograd.grad(loss, (z, injection), allow_unused=True, retain_graph=True)
    left, argument = z, (z, injection)
    if detach == "input":
        argument = z.detach(), injection.detach()
    if detach == "target":
        left = z.detach()
    expected = (left - model.network(*argument)).square().mean()
    torch.testing.assert_close(loss, expected)
    wanted = torch.autograd.grad(expected, (z, injection), allow_unused=True, retain_graph=True)
    for g, w in zip(got, wanted, strict=True):
        torch.testing.assert_close(torch.zeros(1) if g is None else g, torch.zeros(1) if w is None else w)  # fmt: skip
    assert (got[1] is None) == (detach == "input")
    for p, q in zip(gradients(loss, model), gradients(expected, model), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-9)


# ---- the map of a segment ----------------------------------------------------------------------


def test_the_frobenius_loss_and_its_gradient(model):
    f = model.segment_map(torch.randint(0, 6, (1, 4), generator=draws()))
    z = double(1, 2, 4, 8)
    J = dense(f, z)[0]
    exact = J.square().sum() / 64
    with torch.no_grad():  # 400 rows, each with a probe of its own
        estimate = mean_square_stretch(f, z.repeat(400, 1, 1, 1), 1, draws())
    assert estimate.item() == pytest.approx(exact.item(), rel=0.15)
    draw = draws(6)  # of several probes the mean
    each = [(J @ signs(z, draw).flatten()).square().mean().item() for _ in range(3)]
    assert mean_square_stretch(f, z, 3, draws(6)).item() == pytest.approx(sum(each) / 3, rel=1e-9)
    v = signs(z, draws(2)).flatten()
    ours, theirs = mean_square_stretch(f, z, 1, draws(2)), (J @ v).square().sum() / 64
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
    for p, q in zip(gradients(ours, model), gradients(theirs, model), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-7)


def test_the_growth_rate_tends_to_the_spectral_radius_and_so_does_its_gradient():
    A = torch.linalg.qr(double(6, 6))[0]
    A = (A * torch.tensor([1.3, -0.9, 0.5, 0.3, 0.2, 0.1]).double()) @ A.T
    A.requires_grad_()
    z = double(3, 6)
    rate = growth_rate(lambda u: u @ A.T, z, 60, 2, draws(), True)
    torch.testing.assert_close(rate, torch.full((3,), 1.3).double(), rtol=1e-6, atol=0)
    (ours,) = torch.autograd.grad(rate.mean(), A)
    radius = torch.linalg.eigvals(A).abs().max()
    (theirs,) = torch.autograd.grad(radius, A)
    torch.testing.assert_close(ours, theirs.real, rtol=1e-4, atol=1e-5)


def test_the_growth_rate_of_a_turning_map_and_of_every_row_alone():
    turn = torch.tensor([[0.6, -0.6], [0.6, 0.6]], dtype=torch.float64)  # modulus 0.6 sqrt 2
    factor = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    rate = growth_rate(lambda u: factor * (u @ turn.T), double(2, 2), 3, 2, draws(), True)
    torch.testing.assert_close(rate, 0.6 * 2**0.5 * factor[:, 0])
    assert growth_rate(
        lambda u: 0.5 * u, double(1, 2), 1, 2, draws(), True
    ).item() == pytest.approx(0.5)


def test_the_growth_rate_of_a_segment_is_near_the_measured_radius(model):
    f = model.segment_map(torch.randint(0, 6, (1, 4), generator=draws()))
    z = double(1, 2, 4, 8)
    with torch.no_grad():  # four rows, each with a direction of its own
        rates = growth_rate(f, z.repeat(4, 1, 1, 1), 24, 2, draws(), True)
    assert rates.mean().item() == pytest.approx(spectral_radius(f, z), rel=0.1)


# ---- the weights -------------------------------------------------------------------------------


def plain_update(weights, losses, norms, reference, alpha, rho):
    """Equations 45 to 50 with plain numbers."""
    n = len(weights)
    G = [w * g for w, g in zip(weights, norms, strict=True)]
    mean = sum(G) / n
    part = [loss / ref for loss, ref in zip(losses, reference, strict=True)]
    r = [p / (sum(part) / n) for p in part]
    new = [
        w * min(max(mean * ri**alpha / g, 0.1), 10) for w, ri, g in zip(weights, r, G, strict=True)
    ]
    new = [n * w / sum(new) for w in new]
    return [rho * w + (1 - rho) * u for w, u in zip(weights, new, strict=True)]


positive = st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4)


@given(positive, positive, positive, positive, st.sampled_from([0.0, 1.0, 1.5]))
def test_an_update_is_the_formula(start, first, losses, norms, alpha):
    balance = AlgGradNorm(torch.tensor(start), alpha, rho=0.9)
    begin = [4 * w / sum(start) for w in start]
    assert balance.weights.tolist() == pytest.approx(begin, rel=1e-6)
    one = plain_update(begin, first, norms, first, alpha, 0.9)
    assert balance.update(torch.tensor(first), torch.tensor(norms)).tolist() == pytest.approx(
        one, rel=1e-4
    )
    two = plain_update(one, losses, norms, first, alpha, 0.9)
    got = balance.update(torch.tensor(losses), torch.tensor(norms))
    assert got.tolist() == pytest.approx(two, rel=1e-3)
    assert got.sum().item() == pytest.approx(4)


def test_where_the_weights_come_to_rest():
    balance = AlgGradNorm(torch.ones(2), alpha=0, rho=0.9)
    for _ in range(300):
        weights = balance.update(torch.ones(2), torch.tensor([1.0, 100.0]))
    assert weights.tolist() == pytest.approx([1.980198, 0.019802], abs=1e-6)


def test_a_loss_that_falls_slowly_gets_more_weight():
    balance = AlgGradNorm(torch.ones(2), alpha=1.5, rho=0.95)
    for k in range(200):
        fall = torch.tensor([0.97**k, 0.999**k])
        weights = balance.update(fall, torch.ones(2))
    assert weights[1] > 1.5


def test_rho_1_never_moves_and_a_dead_term_fades_but_can_come_back():
    still = AlgGradNorm(torch.tensor([3.0, 1.0]), rho=1.0)
    assert still.update(torch.ones(2), torch.tensor([1.0, 50.0])).tolist() == [1.5, 0.5]
    balance = AlgGradNorm(torch.ones(3), rho=0.9)
    for _ in range(30):
        weights = balance.update(torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0]))
        assert torch.isfinite(weights).all() and weights.sum().item() == pytest.approx(3)
    assert 0 < weights[2] < 0.05
    for _ in range(60):
        weights = balance.update(torch.ones(3), torch.ones(3))
    assert weights.tolist() == pytest.approx([1, 1, 1], abs=0.02)
    assert AlgGradNorm(torch.ones(2)).update(torch.zeros(2), torch.zeros(2)).tolist() == [1, 1]


def test_the_reference_is_renewed():
    balance = AlgGradNorm(torch.ones(2), reset_every=3)
    for k in range(5):
        balance.update(torch.tensor([1.0 + k, 1.0]), torch.ones(2))
        assert balance.reference[0] == (1.0 if k < 3 else 4.0)


def test_gradient_norms_are_those_over_all_parameters():
    model = make()
    x = torch.randint(0, 6, (3, 16), generator=draws())
    _, out = model.segment(model.initial_state(3, x), x)
    losses = out.logits.square().mean(), out.halt_logit.sum()
    norms = gradient_norms(losses, model.parameters())
    for loss, norm in zip(losses, norms, strict=True):
        model.zero_grad()
        loss.backward(retain_graph=True)
        squares = [p.grad.square().sum() for p in model.parameters() if p.grad is not None]
        assert norm.item() == pytest.approx(sum(squares).sqrt().item(), rel=1e-5)


# ---- the objective -----------------------------------------------------------------------------


def config(terms=ALL, **change):
    settings = dict(steps=12, warmup=4, segments=3, evaluate_every=5, exploration=0.5)
    return CMMTrainConfig(**settings | change, terms=terms)


def new_training(model=None, **change):
    return Training(model or make(), config(**change), Stream("trm")[0], Share())


def test_the_total_is_the_weighted_sum_of_all_terms():
    model = make(noise=0.05).double()
    object.__setattr__(model.config, "forward_dtype", "float64")
    training, batch = new_training(model), Stream("trm")[0]
    slots = refill(model, training.slots, batch)
    seed = int(torch.randint(2**62, (), generator=draws(0)))
    state, _, total = training.objective(training, slots, slots.steps + 1)

    draw, x = draws(seed), model.embed(batch["inputs"])
    z_H, z_L = x.detach(), torch.zeros_like(x)
    for cycle in range(2):
        with torch.set_grad_enabled(cycle == 1):
            z_L = model.network(z_L, z_H + x)
            z_L = z_L + 0.05 * torch.randn(z_L.shape, generator=draw, dtype=z_L.dtype)
            z_H = model.network(z_H, z_L)
            z_H = z_H + 0.05 * torch.randn(z_H.shape, generator=draw, dtype=z_H.dtype)
    torch.testing.assert_close(state.z_H, z_H.detach())
    plain = reasoner_loss(model.read_out(z_H), batch["labels"], degree=3)
    F_x, F_z = (model.network(a.detach(), b) for a, b in ((x, 0.0), (z_H, z_L.detach())))
    v = torch.randint(0, 2, (16, 16, 16), generator=draw).double() * 2 - 1
    eps, m = 1e-6, []
    for z, injection, w in ((x, torch.zeros_like(x), v[:8]), (z_H, z_L, v[8:])):
        push = (model.network(z + eps * w, injection) - model.network(z - eps * w, injection)) / (2 * eps)  # fmt: skip
        m.append((w * push).flatten(1).mean(1).detach())
    f, z = model.segment_map(batch["inputs"]), torch.stack((z_H, z_L), 1).detach()
    losses = {
        "cells": plain.cells / 8,
        "halting": plain.halting / 8,
        "repulsion_input": repulsion_loss(x),
        "repulsion_answer": repulsion_loss(z_H),
        "equilibrium_input": (x - F_x).square().mean(),
        "equilibrium_answer": (z_H - F_z).square().mean(),
        "unstable": (1 - m[0]).clamp(min=0).square().mean(),
        "stable": (m[1] - 1).clamp(min=0).square().mean(),
        "radius": (growth_rate(f, z, 4, 2, draw, True) - 1).clamp(min=0).square().mean(),
        "jacobian": mean_square_stretch(f, z, 1, draw),
    }
    times = dict.fromkeys(TERMS, 1) | dict.fromkeys(TERMS[4:8], 2) | dict.fromkeys(TERMS[8:], 4)
    expected = sum(getattr(ALL, name) * times[name] * loss for name, loss in losses.items())
    assert total.item() / 8 == pytest.approx(expected.item(), rel=1e-6)
    report = training.objective.report()
    for name, loss in losses.items():
        assert report[f"loss_{name}"] == pytest.approx(loss.item(), rel=1e-3, abs=1e-9), name
        assert report[f"weight_{name}"] == getattr(ALL, name)
        assert report[f"active_{name}"] == float(loss > 0)
    assert report["active_stable"] == 0 and report["active_unstable"] == 1


def test_expensive_terms_come_every_few_steps_and_the_log_counts_only_those():
    training, stream = new_training(), Stream("trm")
    for step in range(4):
        train_step(training, stream[step])
    computed = dict(zip(training.objective.names, training.objective.counts[0], strict=True))
    assert computed == dict.fromkeys(TERMS, 4) | dict.fromkeys(TERMS[4:8], 2) | dict.fromkeys(TERMS[8:], 1)  # fmt: skip
    report = training.objective.report()
    assert len(report) == 30 and report["active_cells"] == 1
    assert report["active_unstable"] == report["active_equilibrium_input"] == 1
    assert report["loss_unstable"] > 0.01  # a mean over two steps, not over four
    assert training.objective.counts.sum() == 0


def test_a_slot_starts_from_the_puzzle_it_receives():
    model, stream = make(), Stream("trm")
    slots = Slots.empty(model, stream[0])
    assert torch.equal(slots.state.z_H, model.embed(stream[0]["inputs"]))
    z = torch.randn(8, 16, 16, generator=draws())
    halted = torch.arange(8) % 2 == 0
    after = refill(model, Slots(State(z, z), slots.steps + 1, halted, stream[0]), stream[1])
    for row in range(8):
        z_H = model.embed(stream[1]["inputs"])[row] if halted[row] else z[row]
        assert torch.equal(after.state.z_H[row], z_H)
        assert torch.equal(after.state.z_L[row], 0 * z_H if halted[row] else z[row])
        assert after.steps[row] == (0 if halted[row] else 1)


def test_a_term_of_weight_0_is_not_computed(monkeypatch):
    training = new_training(terms=CMMTerms(**NONE))
    monkeypatch.setattr("hrm_course.training.cmm_losses.at_rest", None)
    monkeypatch.setattr("hrm_course.training.cmm_losses.repulsion_loss", None)
    train_step(training, Stream("trm")[0])
    assert training.objective.names == ["cells", "halting"]


weight = st.sampled_from([0, 0, 0.01, 1.0])
combinations = st.fixed_dictionaries(
    dict.fromkeys(TERMS, weight)
    | dict(
        every=st.sampled_from([1, 2, 4]),
        segment_every=st.sampled_from([2, 4]),
        balance=st.sampled_from(["fixed", "gradnorm"]),
        balance_every=st.sampled_from([2, 4]),
        eq_detach=st.sampled_from(["none", "input", "target"]),
        stablemax=st.sampled_from([1, 3]),
        probes=st.sampled_from([1, 2]),
        products=st.sampled_from([1, 3]),
    )
)


@given(combinations)
@settings(max_examples=25)
def test_any_terms_train_or_get_a_sentence(change):
    """A term of weight 0 is left out, whichever it is; where no term is due nothing moves."""
    try:
        terms = CMMTerms(**change)
    except ValueError as error:
        assert re.match(
            r"At least one term|(segment_every|balance_every) must be a multiple", str(error)
        )
        return
    model = make(hidden_size=8)
    training, stream = new_training(model, terms=terms, ema=0), Stream("trm")
    for step in range(3):
        due = {name for name in terms.weights if step % training.objective._spacing(name) == 0}
        before = [p.clone() for p in model.parameters()]
        counts = training.objective.counts[0].clone()
        loss = train_step(training, stream[step])
        found = training.objective.counts[0] - counts
        assert {n for n, one in zip(training.objective.names, found, strict=True) if one} == due
        moved = any(not torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
        assert moved if loss > 0 else due or not moved
    assert all(math.isfinite(value) for value in training.objective.report().values())


@pytest.mark.parametrize("left", TERMS)
def test_each_term_may_be_the_only_one_or_the_only_one_missing(left):
    small = dict(every=2, segment_every=2)
    for weights in (
        dict.fromkeys(TERMS, 0.0) | {left: 1.0},
        dict.fromkeys(TERMS, 0.01) | {left: 0.0},
    ):
        training = new_training(make(hidden_size=8), terms=CMMTerms(**small | weights), ema=0)
        for step in range(2):
            train_step(training, Stream("trm")[step])
        assert training.step == 2


def test_without_its_terms_it_learns_what_a_trm_learns():
    """Same settings, same weights, no terms and stablemax of degree 1: the same numbers."""
    change = dict(mlp="swiglu", start="fixed")
    models = []
    for model, terms in ((make(**change), CMMTerms(**NONE, stablemax=1)), (make(**change), None)):
        model = model if terms else _as_trm(model)
        settings = config(terms) if terms else TrainConfig(**plain_settings())
        settings = replace(settings, exploration=0.0)
        train(model, Stream("trm"), settings, progress=False)
        models.append(model)
    for name, tensor in models[0].state_dict().items():
        torch.testing.assert_close(tensor, models[1].state_dict()[name], rtol=1e-4, atol=1e-5)


def plain_settings():
    return {k: v for k, v in vars(config()).items() if k != "terms"}


def _as_trm(model):
    trm = TRM(TRMConfig(**SHAPE))
    trm.load_state_dict(model.state_dict())
    return trm


@pytest.mark.parametrize("balance", ["fixed", "gradnorm"])
def test_an_interrupted_run_resumes_bit_for_bit(tmp_path, balance):
    settings = config(replace(ALL, balance=balance))
    whole, whole_log = train(make(noise=0.1), Stream("trm"), settings, progress=False)
    for stop in (1, 5, 10):
        stream = stopping("trm", stop)
        with pytest.raises(KeyboardInterrupt, match=f"after step {stop + 1} of 12; saved in"):
            train(make(noise=0.1), stream, settings, None, tmp_path, progress=False)
    resumed, log = train(make(noise=0.1), Stream("trm"), settings, None, tmp_path, progress=False)
    assert log == whole_log and "weight_radius" in log[0]
    assert_same(whole, resumed)


def test_gradnorm_moves_the_weights_in_training_and_keeps_their_sum():
    settings = config(replace(ALL, balance="gradnorm"))
    _, log = train(make(), Stream("trm"), settings, progress=False)
    for row in log:
        assert sum(v for k, v in row.items() if k.startswith("weight_")) == pytest.approx(10, 0.01)
    first = ALL.stable * 10 / sum(ALL.weights.values())
    assert log[-1]["weight_stable"] < first  # inactive from the start, so it fades
    assert log[-1]["weight_cells"] > 10 / sum(ALL.weights.values())


def test_the_noise_of_training_depends_on_the_seed_of_training_alone():
    def weights(seed, disturb):
        torch.manual_seed(0)
        model = make(noise=0.1)
        torch.rand(disturb)
        train(model, Stream("trm"), config(seed=seed, steps=3, exploration=0.0), progress=False)
        return model.lm_head.weight

    assert torch.equal(weights(0, 0), weights(0, 3))
    assert not torch.equal(weights(0, 0), weights(1, 0))


def test_what_does_not_fit_gets_a_sentence():
    with pytest.raises(ValueError, match="need a CMM, not a TRM"):
        new_training(TRM(TRMConfig(**SHAPE)))
    with pytest.raises(ValueError, match="train in one process"):
        CMMObjective(make(), ALL, Share(0, 2))
    with pytest.raises(ValueError, match="CMMTrainConfig instead of TrainConfig"):
        TrainConfig(1).objective(make(noise=0.1), Share())
    assert type(TrainConfig(1).objective(make(), Share())) is Objective


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(cells=-1), "cells must be a number from 0"),
        (dict(stable=float("nan")), "stable must be a number"),
        (dict(rho=2), "rho must be a number from 0 to 1"),
        (dict(eq_detach="both"), "eq_detach must be one of"),
        (dict(balance="even"), "balance must be one of"),
        (dict(probes=0), "probes must be a whole number from 1"),
        (dict(stablemax=2.5), "stablemax must be a whole number"),
        (dict(balance="gradnorm", balance_every=20), "a multiple of 8"),
        (dict(balance="gradnorm", balance_every=24, radius=1), "a multiple of 16"),
        (dict(segment_every=12), "a multiple of every = 8"),
        (dict.fromkeys(TERMS, 0), "At least one term"),
    ],
)
def test_wrong_terms_get_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        CMMTerms(**change)


def test_terms_may_come_as_a_dict():
    assert CMMTrainConfig(3, terms={"radius": 2.0}).terms == CMMTerms(radius=2.0)
    assert CMMTrainConfig(3).terms.weights == {  # as both re-implementations have them
        "cells": 1, "halting": 0.5, "repulsion_input": 1e3, "repulsion_answer": 1e3,
        "equilibrium_input": 1, "equilibrium_answer": 1, "unstable": 10, "stable": 1e4,
    }  # fmt: skip


# ---- the others are left as they were ----------------------------------------------------------


@pytest.mark.parametrize(("kind", "shape"), [(TRM, TRMConfig), (HRM, HRMConfig)])
def test_other_models_train_to_the_same_bits_as_before_there_were_terms(kind, shape):
    """The step of the loop as it was, beside the loop as it is."""
    torch.manual_seed(0)
    model, stream = kind(shape(**SHAPE)), Stream("trm")
    torch.nn.init.constant_(model.q_head.bias[:1], 1.0)
    settings = TrainConfig(
        **plain_settings(),
    )
    torch.manual_seed(0)
    twin = kind(shape(**SHAPE))
    twin.load_state_dict(model.state_dict())
    training = Training(model, settings, stream[0], Share())
    average = kind(shape(**SHAPE))
    average.load_state_dict(model.state_dict())
    optimizer, draw = AdamATan2(twin.parameters(), settings.lr), draws(settings.seed)
    start = twin.initial_state(8)
    slots = Slots(start, torch.zeros(8, dtype=torch.int32), torch.ones(8, dtype=torch.bool), stream[0])  # fmt: skip
    for step in range(9):
        fresh = stream[step]
        pick = lambda new, old: torch.where(slots.halted.view(-1, *[1] * (old.dim() - 1)), new, old)  # noqa: B023, E731
        state = State(*map(pick, twin.initial_state(8), slots.state))
        batch = {key: pick(fresh[key], old) for key, old in slots.batch.items()}
        steps = torch.where(slots.halted, 0, slots.steps) + 1
        state, out = twin.segment(state, batch["inputs"])
        target = continue_target(twin, state, batch, steps, settings.segments)
        loss = reasoner_loss(out, batch["labels"], target).total / 8
        stop = twin.stop_logit(out).detach()
        halted = stop_rule(stop, steps, settings.segments, settings.exploration, draw)
        slots = Slots(state, steps, halted, batch)
        optimizer.param_groups[0]["lr"] = settings.lr * schedule(step + 1, settings)
        twin.zero_grad()
        loss.backward()
        optimizer.step()
        update_average(average, twin, settings.ema)
        assert train_step(training, fresh) == loss.item()
    assert_same(model, twin)
    assert_same(training.average, average)
