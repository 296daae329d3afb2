"""The Contraction Mapping Model against its equations, written out, and against TRM."""

from math import sqrt

import pytest
import torch
from plain_models import Plain

from hrm_course.dynamics import jacobian, spectral_radius
from hrm_course.models import CMM, TRM, CMMConfig, TRMConfig
from hrm_course.models.cmm import MLPS, TanhGLU, TanhMLP

MIXED = dict(mixer="tokens", position_code="none")
SMALL = dict(
    vocab_size=5, seq_len=6, hidden_size=8, num_heads=2, H_cycles=2, L_cycles=3, inner_multiple=4,
    forward_dtype="float64",
)  # fmt: skip


def make(kind=CMM, seed=0, **change):
    torch.manual_seed(seed)
    model = kind(kind.config_class(**(SMALL | MIXED | change)))
    with torch.no_grad():
        model.q_head.weight.normal_()
        for name, p in model.named_parameters():
            if "gain" in name or ("bias" in name and "q_head" not in name):
                p.add_(0.3 * torch.randn(p.shape))
    return model


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def inputs():
    return torch.randint(0, 5, (3, 6), generator=draws(1))


# ---- sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "block"),
    [
        (dict(hidden_size=128, seq_len=81), 262_144),
        (dict(hidden_size=128, seq_len=81, **MIXED), 258_816),
        (dict(hidden_size=128, seq_len=97, **MIXED), 345_600),
    ],
)
def test_en128_with_identical_layers_has_the_published_size(change, block):
    with torch.device("meta"):
        one = CMM(CMMConfig(vocab_size=11, identical_layers=True, **change))
        two = CMM(CMMConfig(vocab_size=11, **change))
    count = {model: sum(p.numel() for p in model.layers.parameters()) for model in (one, two)}
    assert count == {one: block, two: 2 * block}
    if change["seq_len"] == 81:
        assert f"{block / 1e6:.2f}M" == "0.26M"  # the published number


def test_the_5m_model_has_the_published_size():
    with torch.device("meta"):
        model = CMM(CMMConfig(vocab_size=11, seq_len=97, **MIXED))
    assert sum(p.numel() for p in model.layers.parameters()) == 5_016_576


def test_all_kinds_of_mlp_have_as_many_weights():
    def weights(mlp):
        model = make(mlp=mlp)
        return sum(p.numel() for name, p in model.named_parameters() if "bias" not in name)

    assert weights("tanh") == weights("tanhglu") == weights("swiglu")


# ---- what a segment computes -------------------------------------------------------------------


@pytest.mark.parametrize("change", [MIXED, dict(mixer="attention", position_code="rope")])
def test_with_the_settings_of_trm_it_is_trm(inputs, change):
    cmm, trm = make(mlp="swiglu", start="fixed", **change), make(TRM, **change)
    cmm.load_state_dict(trm.state_dict())
    torch.manual_seed(7)
    fresh = CMM(CMMConfig(**(SMALL | change | dict(mlp="swiglu", start="fixed"))))
    torch.manual_seed(7)
    for ours, theirs in zip(
        fresh.state_dict().values(), TRM(TRMConfig(**SMALL | change)).state_dict().values(),
        strict=True,
    ):  # fmt: skip
        assert torch.equal(ours, theirs)  # even the draws are the same
    states = [model.initial_state(3, inputs) for model in (cmm, trm)]
    for _ in range(2):
        (ours, out), (theirs, expected) = (
            model.segment(state, inputs) for model, state in zip((cmm, trm), states, strict=True)
        )
        assert all(map(torch.equal, (*ours, *out), (*theirs, *expected)))
        states = [ours, theirs]
    for o in (out, expected):
        o.logits.square().sum().backward()
    for p, q in zip(cmm.parameters(), trm.parameters(), strict=True):
        assert (p.grad is None and q.grad is None) or torch.equal(p.grad, q.grad)


@pytest.mark.parametrize("kind", MLPS)
@pytest.mark.parametrize("gain", [False, True])
@pytest.mark.parametrize("identical", [False, True])
@pytest.mark.parametrize("h", [1.0, 0.6])
def test_a_segment_is_the_recursion_of_the_equations(inputs, kind, gain, identical, h):
    model = make(mlp=kind, norm_gain=gain, identical_layers=identical, step_size=h)
    assert len(model.layers) == (1 if identical else 2)
    plain = Plain(model)
    x = plain.embed(inputs)
    z_H, z_L = x, torch.zeros_like(x)
    state = model.initial_state(3, inputs)
    with torch.no_grad():
        for _ in range(2):  # segments
            for _ in range(2):  # H_cycles
                for _ in range(3):  # L_cycles
                    z_L = (1 - h) * z_L + h * plain.stack("layers", z_H + z_L + x)
                z_H = (1 - h) * z_H + h * plain.stack("layers", z_H + z_L)
            state, out = model.segment(state, inputs)
            torch.testing.assert_close(state.z_H, z_H, rtol=0, atol=1e-10)
            torch.testing.assert_close(state.z_L, z_L, rtol=0, atol=1e-10)
            logits = z_H @ model.lm_head.weight.double().T
            torch.testing.assert_close(out.logits, logits, rtol=0, atol=1e-9)


@pytest.mark.parametrize("cycles", [1, 2])
def test_the_gradient_goes_through_the_last_cycles(inputs, cycles):
    model = make(grad_cycles=cycles)
    _, out = model.segment(model.initial_state(3, inputs), inputs)
    out.logits.square().sum().backward()
    ours = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    twin = Plain(model)
    x = twin.embed(inputs)
    z_H, z_L = x.detach(), torch.zeros_like(x)
    for cycle in range(2):
        with torch.set_grad_enabled(cycle >= 2 - cycles):
            for _ in range(3):
                z_L = twin.stack("layers", z_H + z_L + x)
            z_H = twin.stack("layers", z_H + z_L)
    twin.read_out(z_H)[0].square().sum().backward()
    for name, p in twin.w.items():
        if p.grad is not None:
            torch.testing.assert_close(ours[name], p.grad, rtol=1e-5, atol=1e-6)


def test_the_starts(inputs):
    x = sqrt(8) * make().embed_tokens.weight.double()[inputs]
    state = make().initial_state(3, inputs)
    torch.testing.assert_close(state.z_H, x.detach())
    assert (state.z_L == 0).all() and not state.z_H.requires_grad
    unit = make(start="unit input").initial_state(3, inputs).z_H
    torch.testing.assert_close(unit.square().mean(-1), torch.ones(3, 6).double(), rtol=1e-4, atol=0)
    torch.testing.assert_close(unit / unit.norm(), rescaled(x) / rescaled(x).norm())
    fixed = make(start="fixed")
    assert torch.equal(fixed.initial_state(3).z_H, fixed.H_init.expand(3, 6, 8))
    with pytest.raises(ValueError, match=r"call initial_state\(batch_size, inputs\)"):
        make().initial_state(3)


def rescaled(x):
    return (x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()).detach()


# ---- noise and step ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["additive", "multiplicative"])
@pytest.mark.parametrize("h", [1.0, 0.25])
def test_the_noise_of_a_step_has_the_variance_of_the_flow_times_h(kind, h):
    model = make(noise=0.1, noise_kind=kind, step_size=h)
    z = torch.randn(4_000, 6, 8, generator=draws(), dtype=torch.float64)
    with torch.no_grad():
        quiet, noisy = model.step(z, 0.5 * z), model.step(z, 0.5 * z, draws(3))
    xi = (noisy - quiet) / (quiet if kind == "multiplicative" else 1)
    n = xi.numel()
    assert abs(xi.mean()) < 4 * 0.1 * sqrt(h / n)
    assert xi.var().item() == pytest.approx(0.01 * h, rel=4 * sqrt(2 / n))


def test_the_stationary_variance_is_that_of_the_flow_whatever_the_step(monkeypatch):
    """dz = -(1 - a) z dt + sigma dW has the variance sigma^2 / (2 (1 - a)); Euler's with step h
    has sigma^2 h / (1 - (1 - h (1 - a))^2). So noise not scaled by sqrt(h) would be off by h."""
    a, sigma = 0.6, 0.5
    for h in (0.2, 0.1, 0.05):
        model = make(noise=sigma, step_size=h)
        monkeypatch.setattr(model, "network", lambda z, injection: a * (z + injection))
        z, draw = torch.zeros(40_000, 1, 1, dtype=torch.float64), draws()
        for _ in range(int(12 / h)):
            z = model.step(z, 0.0, draw)
        expected = sigma**2 * h / (1 - (1 - h * (1 - a)) ** 2)
        assert z.var().item() == pytest.approx(expected, rel=0.03)
        assert expected == pytest.approx(sigma**2 / (2 * (1 - a)), rel=h)


def test_where_the_noise_enters(inputs):
    """On the output: after every call. On the input: into the fast state before a fast step."""
    calls = {}
    for place in ("output", "input"):
        model, seen = make(noise=0.3, noise_place=place, H_cycles=1, L_cycles=2), []
        model.network = lambda z, injection, seen=seen: seen.append((z, injection)) or z + injection
        state, generator = model.initial_state(3, inputs), draws()
        z_H, z_L = model.cycle(*state, model.embed(inputs), generator)
        calls[place] = seen, z_H, z_L
    x, again = make().embed(inputs), draws()
    noise = [0.3 * torch.randn(3, 6, 8, generator=again, dtype=torch.float64) for _ in range(3)]
    seen, z_H, z_L = calls["input"]
    assert torch.equal(seen[0][0], noise[0])  # z_L was 0
    torch.testing.assert_close(seen[1][0], noise[0] + 2 * x + noise[1])
    torch.testing.assert_close(z_H, x + z_L)  # the slow step is quiet
    seen, z_H, z_L = calls["output"]
    assert (seen[0][0] == 0).all()
    torch.testing.assert_close(seen[1][0], 2 * x + noise[0])
    torch.testing.assert_close(z_H, x + z_L + noise[2])


def test_noise_comes_from_the_generator_alone(inputs):
    model = make(noise=0.1)
    state = model.initial_state(3, inputs)
    quiet = model.segment(state, inputs)[0]
    assert torch.equal(quiet.z_H, model.segment(state, inputs)[0].z_H)
    one, two, other = (model.segment(state, inputs, None, draws(s))[0].z_H for s in (0, 0, 1))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert 0.01 < (one - quiet.z_H).square().mean().sqrt() < 1
    assert torch.equal(make().segment(state, inputs, None, draws())[0].z_H, quiet.z_H)


@pytest.mark.parametrize("h", [1.0, 0.5])
def test_damping_keeps_the_equilibria_and_changes_their_multipliers(monkeypatch, h):
    """The map z <- -1.5 z diverges though the flow is stable; any h below 0.8 repairs it."""
    model = make(step_size=h)
    monkeypatch.setattr(model, "network", lambda z, injection: 2.0 - 1.5 * (z + injection))
    rest = torch.full((1, 1, 1), 0.8, dtype=torch.float64)
    torch.testing.assert_close(model.step(rest, 0.0), rest)
    rho = spectral_radius(lambda z: model.step(z, 0.0), rest)
    assert rho == pytest.approx(abs(1 - 2.5 * h)) and (rho < 1) == (h < 0.8)


# ---- what follows from the shape of the block --------------------------------------------------


def test_both_uses_stable_alone_do_not_make_the_pair_stable(monkeypatch):
    """Slopes a = b = 0.6: the segment map of 6 fast steps and a slow one has the radius 1.4858."""
    model = make(H_cycles=1, L_cycles=6)
    monkeypatch.setattr(model, "network", lambda z, injection: 0.6 * (z + injection))
    f = model.segment_map(torch.zeros(1, 6, dtype=torch.long))
    z = torch.zeros(1, 2, 1, 1, dtype=torch.float64)
    monkeypatch.setattr(model, "embed", lambda *_: z[:, 0])
    f = model.segment_map(torch.zeros(1, 6, dtype=torch.long))
    assert spectral_radius(f, z) == pytest.approx(1.4858, abs=5e-5)


def test_post_norm_costs_every_token_one_dimension():
    """On the sphere |F(u)_s| = sqrt(D), F(u)_s . J = 0 for each token s (up to the norm's 1e-5)."""
    model = make(seq_len=16, hidden_size=6, num_heads=1)
    u = torch.randn(1, 16, 6, generator=draws(), dtype=torch.float64)
    J = jacobian(lambda v: model.network(v, torch.zeros_like(v)), u)
    F = model.network(u, torch.zeros_like(u))[0].detach()
    torch.testing.assert_close(F.square().mean(1), torch.ones(16).double(), rtol=1e-4, atol=0)
    left = torch.zeros(16, 16, 6, dtype=torch.float64)
    left[range(16), range(16)] = F
    assert (left.view(16, -1) @ J).abs().max() < 1e-4
    assert (torch.linalg.svdvals(J) < 1e-4).sum() >= 16


@torch.no_grad()
def test_symmetries_of_the_branches():
    v = torch.randn(5, 8, generator=draws())
    torch.manual_seed(0)
    odd, even = TanhMLP(8, 4, 4), TanhGLU(8, 4, 4)
    torch.testing.assert_close(odd(-v), -odd(v))  # as long as the biases are 0
    torch.testing.assert_close(even(-v), even(v))
    odd.up.bias.fill_(1.0)
    assert (odd(-v) + odd(v)).abs().max() > 0.1


# ---- configurations ----------------------------------------------------------------------------

BAD = [
    (dict(mlp="relu"), "mlp must be one of"),
    (dict(mlp=["tanh"]), "mlp must be one of"),
    (dict(start="noise"), "start must be one of"),
    (dict(noise_kind="pink"), "noise_kind must be one of"),
    (dict(noise_place="both"), "noise_place must be one of"),
    (dict(norm_gain=1), "norm_gain must be one of .True, False."),
    (dict(identical_layers="yes"), "identical_layers must be one of .True, False."),
    (dict(step_size=0), "step_size must be a number above 0 to 1"),
    (dict(step_size=1.5), "step_size must be a number above 0 to 1"),
    (dict(step_size=float("nan")), "step_size must be a number above 0 to 1"),
    (dict(noise=-0.1), "noise must be a number from 0"),
    (dict(noise=True), "noise must be a number from 0"),
    (dict(grad_cycles=3), "grad_cycles must be at most H_cycles = 2"),
    (dict(grad_cycles=0), "grad_cycles must be a whole number from 1"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD)
def test_a_wrong_configuration_gets_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        CMMConfig(**(SMALL | MIXED | change))


def test_what_is_shared_is_saved_once_and_comes_back(tmp_path, inputs):
    model = make(identical_layers=True, mlp="tanh", norm_gain=True, noise=0.01, step_size=0.5)
    model.save_pretrained(tmp_path)
    loaded = CMM.from_pretrained(tmp_path)
    assert loaded.config == model.config
    ours, theirs = (m.solve(inputs, 3, trace=True).trace for m in (model, loaded))
    assert torch.equal(ours.confidence, theirs.confidence)
