# ruff: noqa: F403, F405
"""Every public function on every kind of number and shape: the right value, or a sentence.

The right values come from NumPy: closed forms, plain loops, and dense matrices.
"""

import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import hrm_course.dynamics as dynamics
from hrm_course.dynamics import *

ROOM = Path(dynamics.__file__).parent
EXACT = ("float64", "complex128", "strided", "conjugate view", "needs a gradient")
KINDS = (
    *EXACT,
    "float32",
    "complex64",
    "one number",  # no axis
    "no numbers",  # the last axis is empty
    "no rows",  # the first axis is empty
    "NaN",
    "infinity",
    # what no function takes:
    "float16",
    "bfloat16",
    "int64",
    "bool",
    "a list",
)
COMPLEX = {"complex128", "complex64", "conjugate view"}
NOT_FINITE = {"NaN", "infinity"}
NEVER = {"float16", "bfloat16", "int64", "bool", "a list"}


def of_kind(kind: str, shape: tuple[int, ...], values: Callable | None = None):
    """Numbers of this kind in this shape; ``values(shape)`` gives real ones."""
    shape = {"one number": (), "no numbers": (*shape[:-1], 0), "no rows": (0, *shape[1:])}.get(
        kind, shape
    )
    generator = np.random.default_rng(5)
    real = values(shape) if values else generator.standard_normal(shape)
    z = torch.from_numpy(np.array(real))
    if kind in COMPLEX:
        z = torch.complex(z, 0.3 * torch.from_numpy(np.array(generator.standard_normal(shape))))
    match kind:
        case "NaN" | "infinity":
            z.view(-1)[-1] = math.nan if kind == "NaN" else math.inf
        case "strided":
            z = (
                torch.stack((z, z), dim=-1)[..., 1].mT.contiguous().mT
                if z.dim() > 1
                else (torch.stack((z, z), dim=-1)[..., 1])
            )
        case "conjugate view":
            z = z.conj()
        case "needs a gradient":
            z.requires_grad_()
        case "float32" | "complex64" | "float16" | "bfloat16" | "int64" | "bool":
            z = z.to(getattr(torch, kind))
        case "a list":
            z = z.tolist()
    return z


def kind_of(z) -> torch.dtype:
    return torch.as_tensor(z).dtype


def real(kind: torch.dtype) -> torch.dtype:
    return kind if kind.is_floating_point else torch.float64


def array(z) -> np.ndarray:
    if isinstance(z, torch.Tensor):
        z = z.detach().to(torch.complex128 if z.is_complex() else torch.float64).resolve_conj()
    return np.asarray(z)


@dataclass
class Row:
    """How a function is tried: ``check(z)`` yields pairs of what is found and what is right.

    In each pair the library comes first, so that nothing else refuses ``z``.
    """

    check: Callable
    shapes: tuple = ((3,),)
    refuses: set = field(default_factory=set)
    values: Callable | None = None


def acts(make: Callable, formula: Callable, shape=(4, 2), refuses=()) -> Row:
    """A map or field: compared with a formula for NumPy. ``make`` gets a kind of numbers."""

    def check(z):
        yield make(kind_of(z))(z), formula(array(z))

    return Row(check, (shape,), set(refuses))


# ---- maps and flows ----


def stacked(*parts):
    return np.stack(parts, axis=-1)


def swing(z):
    return stacked(z[..., 1], -np.sin(z[..., 0]) - 0.1 * z[..., 1])


def rk4_step(z):
    k1 = swing(z)
    k2 = swing(z + 0.05 * k1)
    k3 = swing(z + 0.05 * k2)
    return z + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + swing(z + 0.1 * k3))


def sphere_step(z, target):
    moved = z + 0.7 * target / np.linalg.norm(target)
    return moved / np.linalg.norm(moved, axis=-1, keepdims=True)


def flown(z):
    single = kind_of(z) in (torch.float32, torch.complex64)
    yield adaptive(pendulum(0.1), 0.5, rtol=1e-5 if single else 1e-8)(z), by_scipy(array(z))


def by_scipy(z):
    if not z.size:
        return z
    g = lambda _, v: swing(v.reshape(z.shape)).ravel()  # noqa: E731
    return solve_ivp(g, (0, 0.5), z.ravel(), rtol=1e-10, atol=1e-12).y[:, -1].reshape(z.shape)


def noisy_steps(z):
    plain = lambda: array(z) + 0.05 * swing(array(z))  # noqa: E731
    yield euler_maruyama(pendulum(0.1), 0.0, 0.05)(z), plain()
    found = euler_maruyama(pendulum(0.1), 0.5, 0.05, seed=4)(z)
    draw = torch.randn(z.shape, dtype=z.dtype, generator=torch.Generator().manual_seed(4))
    yield found, plain() + 0.5 * math.sqrt(0.05) * array(draw)


def linear_matrix(A):
    f, z = linear_map(A), np.linspace(-1, 1, 3)
    yield f(torch.from_numpy(z).to(kind_of(A))), z @ array(A).T


def sphere_target(target):
    f, z = sphere_map(target, 0.7), np.linspace(-1, 1, 3)
    yield f(torch.from_numpy(z).to(kind_of(target))), sphere_step(z, array(target))


# ---- memories ----

SIGNS = np.sign(np.random.default_rng(3).standard_normal((3, 5)))
STATES = np.linspace(-1, 1, 10).reshape(2, 5)


def hebb(X):
    W = X.T @ X
    return W - np.diag(W.diagonal())


def recalled(X, z):
    drive = z @ hebb(X)
    return np.where(drive == 0, z, np.where(np.isnan(drive), np.nan, np.sign(drive)))


def swept(X, z, order):
    z = z.copy()
    for i in order:
        z[..., i] = recalled(X, z)[..., i]
    return z


def attended(X, z):
    weights = np.exp(0.8 * z @ X.T)
    return weights / weights.sum(-1, keepdims=True) @ X


def classical_energy(X, z):
    return -np.einsum("...i,ij,...j->...", z, hebb(X), z) / 2 / X.shape[1]


def modern_energy(X, z):
    soft = np.log(np.exp(0.8 * z @ X.T).mean(-1)) / 0.8
    return (z**2).sum(-1) / 2 - soft + (X**2).sum(-1).max() / 2


def recall(z):
    X = torch.from_numpy(SIGNS).to(real(kind_of(z)))
    yield hopfield(X)(z), recalled(SIGNS, array(z))
    yield hopfield(X, order=[4, 1])(z), swept(SIGNS, array(z), [4, 1])
    yield hopfield(X, beta=0.8)(z), attended(SIGNS, array(z))


def patterns(X):
    z = torch.from_numpy(STATES).to(kind_of(X))
    yield hopfield(X, beta=0.8)(z), attended(array(X), STATES)


def energies(z):
    X = torch.from_numpy(SIGNS).to(real(kind_of(z)))
    yield hopfield_energy(X, z), classical_energy(SIGNS, array(z))
    yield hopfield_energy(X, z, 0.8), modern_energy(SIGNS, array(z))


def energy_patterns(X):
    z = torch.from_numpy(STATES).to(kind_of(X))
    yield hopfield_energy(X, z, 0.8), modern_energy(array(X), STATES)


# ---- instruments ----


class Net:
    """z -> sin(Wz + b), with numbers of the kind of z, for PyTorch and for NumPy."""

    def __init__(self, z):
        shape, kind = np.shape(array(z)), kind_of(z)
        generator = np.random.default_rng(8)
        n = shape[-1] if shape else 1
        self.W = 0.5 / max(n, 1) ** 0.5 * generator.standard_normal((n, n))
        self.b = 0.3 * generator.standard_normal(n)
        if kind.is_complex:
            self.W = self.W + 0.2j / max(n, 1) ** 0.5 * generator.standard_normal((n, n))
        self.torch_W, self.torch_b = (torch.from_numpy(a).to(kind) for a in (self.W, self.b))

    def __call__(self, z):
        if isinstance(z, torch.Tensor):
            drive = torch.atleast_1d(z) @ self.torch_W.T + self.torch_b
            return torch.sin(drive).reshape(z.shape)
        return np.sin(np.atleast_1d(z) @ self.W.T + self.b).reshape(np.shape(z))

    def jacobian(self, z):
        return np.cos(np.atleast_1d(array(z)) @ self.W.T + self.b)[:, None] * self.W

    def values(self, z):
        """The eigenvalues, largest first."""
        values = np.linalg.eigvals(self.jacobian(z))
        return values[np.argsort(-np.abs(values))]

    def orbit(self, z, steps=80):
        states = [array(z)]
        for _ in range(steps):
            states.append(self(states[-1]))
        return np.stack(states)

    def exponent_sum(self, z, steps):
        return np.mean([np.linalg.slogdet(self.jacobian(s))[1] for s in self.orbit(z, steps - 1)])


def orbits(z):
    yield orbit(Net(z), z, 4), Net(z).orbit(z, 4)


def residuals(z):
    yield residual(Net(z), z), np.linalg.norm(Net(z)(array(z)) - array(z))
    if z.dim() > 1:
        found = residual(Net(z), z, batched=True)
        yield found, np.linalg.norm(Net(z)(array(z)) - array(z), axis=1)


def rests(z):
    for batched in {False, np.ndim(array(z)) > 1}:
        all_found = [
            fixed_point(Net(z), z, m, batched=batched) for m in ("iterate", "newton", "anderson")
        ]
        rest = Net(z).orbit(z)[-1]
        for found in all_found:
            yield found.z, rest
            yield found.converged, np.ones(found.converged.shape)


def all_rests(starts):
    for method in ("newton", "anderson"):
        found, f = fixed_points(Net(starts), starts, method=method), Net(starts)
        rest = f.orbit(starts[0])[-1]
        radius = abs(f.values(rest)[0])
        yield found.z, rest[None]
        yield found.spectral_radius, [radius]
        yield found.stable, [radius < 1]
        yield found.counts, [len(starts)]


def jacobians(z):
    yield jacobian(Net(z), z), Net(z).jacobian(z)


def eigenvalues(z):
    found = array(leading_eigenvalues(Net(z), z, k=min(2, np.size(array(z)))))
    values = Net(z).values(z)
    yield abs(found), abs(values[: len(found)])
    yield abs(found[:, None] - values).min(1), np.zeros(len(found))


def radii(z):
    yield spectral_radius(Net(z), z), abs(Net(z).values(z)[0])


def norms(z):
    yield operator_norm(Net(z), z), np.linalg.norm(Net(z).jacobian(z), 2)


def batched_radii(z):
    found = spectral_radius(Net(z), z, batched=True, products=200)
    yield found, [abs(Net(row).values(row)[0]) for row in z]


def batched_norms(z):
    found = operator_norm(Net(z), z, batched=True, products=200)
    yield found, [np.linalg.norm(Net(row).jacobian(row), 2) for row in z]


def batched_diagonals(z):
    found, error = mean_diagonal(Net(z), z, probes=20, batched=True)
    right = np.array([Net(row).jacobian(row).diagonal().mean() for row in z])
    yield abs(array(found) - right) <= 5 * array(error) + 1e-6, np.full(len(z), True)
    yield mean_diagonal(Net(z), z, exact=True, batched=True)[0], right


def diagonals(z):
    found, error = mean_diagonal(Net(z), z, probes=20)
    right = Net(z).jacobian(z).diagonal().mean()
    assert isinstance(error, float)
    yield abs(found - right) <= 5 * error + 1e-6, True
    yield mean_diagonal(Net(z), z, exact=True), (right, 0)


def exponents(z):
    found = lyapunov_exponents(Net(z), z, 4)
    assert not found.is_complex()
    yield found.sum(), Net(z).exponent_sum(z, 4)


def batched_exponents(z):
    found = lyapunov_exponents(Net(z), z, 4, batched=True)
    yield found.sum(1), [Net(z).exponent_sum(row, 4) for row in z]


def stretches(points):
    for norm in (1, 2, math.inf):
        found, f, x = lipschitz(Net(points), points, norm=norm), Net(points), array(points)
        pairs = [(i, j) for i in range(len(x)) for j in range(i)]
        size = lambda v, norm=norm: np.linalg.norm(v, norm)  # noqa: E731
        ratios = [size(f(x[i]) - f(x[j])) / size(x[i] - x[j]) for i, j in pairs]
        slopes = [size(f.jacobian(row)) for row in x] if x.shape[1] <= 64 else []
        yield found.empirical, max(ratios + slopes)


def bounds(W):
    f, points = lambda z: z / 100, torch.tensor([[0.0, 1.0], [1.0, 3.0]])
    right = lambda: np.linalg.norm(array(W), 2) * 2  # noqa: E731
    yield lipschitz(f, points, [W, 2 * torch.eye(3)]).certified, right()


def places(points):
    found = basins(Net(points), points)
    states = Net(points).orbit(points)
    yield found.attractors, states[-1][:1]
    yield found.labels, np.zeros(len(points))
    rest = torch.from_numpy(states[-1][:1]).to(points.dtype)
    near = np.linalg.norm(states - states[-1], axis=-1) <= 0.01
    yield basins(Net(points), points, rest, tol=0.01).steps, near.argmax(0)


def attractors(goals):
    points = torch.full((2, *np.shape(array(goals))[1:]), 0.3).to(kind_of(goals))
    found = basins(lambda z: z / 2, points, goals, max_steps=3, tol=0.5)
    visited = 0.3 * 0.5 ** np.arange(4)[:, None, None]
    near = np.linalg.norm(array(goals) - visited, axis=-1) <= 0.5
    yield found.labels, [near.any(0).argmax() if near.any() else -1] * 2


def diagrams(z0):
    f, r = Net(z0), np.array([0.2, 0.9])
    family = lambda r: lambda z: r * f(z)  # noqa: E731
    found = bifurcation(family, torch.from_numpy(r).to(kind_of(z0)), z0, settle=1, keep=2)
    right = []
    for value in r:
        z = value * f(array(z0))
        right.append([z, value * f(z)])
    yield found, right


def parameters(r):
    z0 = torch.full((3,), 0.4, dtype=kind_of(r))
    found = bifurcation(logistic, r, z0, settle=1, keep=1)
    yield found[:, 0], array(r)[:, None] * np.full(3, 0.24)


def passages(z):
    outside = lambda size: size <= 1e-2  # noqa: E731
    inside = lambda z: ~outside(torch.linalg.vector_norm(z.flatten(1), dim=1))  # noqa: E731
    found = passage_times(lambda z: z / 3, z, inside, 50)
    sizes = np.linalg.norm(array(z), axis=1)
    yield found, [next(t for t in range(50) if outside(s / 3**t)) for s in sizes]


def conditions(A):
    found = stability_conditions(A)
    values = np.linalg.eigvals(array(A))
    yield (found.trace, found.determinant), (values.sum().real, values.prod().real)
    yield found.map_stable, abs(values).max() < 1
    yield found.flow_stable, values.real.max() < 0


STATE = ((3,), (70,))  # small: by dense matrices; large: without
ROWS = ((4, 3), (2, 70))
NO_AXIS, EMPTY, NO_ROWS = {"one number"}, {"no numbers"}, {"no rows"}
LAST = {*NO_AXIS, *EMPTY}  # the last axis is not what the map asks for
NO_SLOPE = {*EMPTY, "no rows"}
# ---- trajectories ----


def lag(z, p):
    return np.sqrt((np.linalg.norm(z[p:] - z[:-p], axis=1) ** 2).mean())


def endings(states):
    found = ending(states)
    z = array(states)
    moves = np.linalg.norm(np.diff(z[10:], axis=0), axis=1)  # nine
    # the median of torch is the lower one
    late, soon = (np.sort(part)[(len(part) - 1) // 2] for part in (moves[5:], moves[:5]))
    yield found.shrink, late / soon
    returns = [lag(z[10:], p) for p in range(1, 6)]
    yield found.recurrence, np.min(returns / np.maximum.accumulate(returns))


def ratios(states):
    found = participation_ratio(states)
    values = np.linalg.eigvalsh(np.cov(array(states).T))
    yield found, values.sum() ** 2 / (values**2).sum()


def neighbours(states):
    found = two_nn(states)
    z = array(states).astype(float)
    apart = np.sort(np.linalg.norm(z[:, None] - z, axis=2), axis=1)
    yield found, (len(z) - 1) / np.log(apart[:, 2] / apart[:, 1]).sum()


def imitations(states):
    walk = array(walk_like(states))
    z = array(states)
    yield walk[0], z[0]
    steps = (np.linalg.norm(np.diff(way, axis=0), axis=1) for way in (walk, z))
    yield tuple(steps)


def samples(z):
    yield auc(z, z), 0.5


FEW = {*COMPLEX, *NOT_FINITE, "one number", "no numbers", "no rows"}
EXPORTS = {
    "auc": Row(samples, refuses={*COMPLEX, "no numbers", "no rows", "NaN"}),
    "ending": Row(endings, ((20, 2),), FEW),
    "participation_ratio": Row(ratios, ((20, 2),), FEW),
    "two_nn": Row(neighbours, ((20, 2),), FEW),
    "walk_like": Row(imitations, ((20, 2),), FEW),
    "adaptive": Row(flown, ((4, 2),), {*NO_AXIS, *NOT_FINITE}),
    "basins": Row(places, ((4, 3),), {*NO_AXIS, *NO_ROWS, *NOT_FINITE}),
    "basins: attractors": Row(attractors, ((4, 3),), {*NO_AXIS, *NO_ROWS, *NOT_FINITE}),
    "bifurcation": Row(diagrams, refuses=NOT_FINITE),
    "bifurcation: parameters": Row(parameters, ((4,),), {*LAST, *NO_ROWS}),
    "double_well": acts(lambda _: double_well(), lambda z: z - z**3),
    "euler": acts(lambda _: euler(double_well(), 0.1), lambda z: z + 0.1 * (z - z**3)),
    "euler_maruyama": Row(noisy_steps, ((4, 2),), LAST),
    "fixed_point": Row(rests, (*STATE, (4, 3)), NOT_FINITE),
    "fixed_points": Row(all_rests, ROWS, {*LAST, *NO_ROWS, *NOT_FINITE}),
    "henon": acts(
        lambda _: henon(),
        lambda z: stacked(1 - 1.4 * z[..., 0] ** 2 + z[..., 1], 0.3 * z[..., 0]),
        refuses=LAST,
    ),
    "hopfield": Row(recall, ((4, 5),), {*LAST, *COMPLEX}),
    "hopfield: patterns": Row(patterns, ((4, 5),), {*LAST, *NO_ROWS, *COMPLEX, *NOT_FINITE}),
    "hopfield_energy": Row(energies, ((4, 5),), {*LAST, *COMPLEX}),
    "hopfield_energy: patterns": Row(
        energy_patterns, ((4, 5),), {*LAST, *NO_ROWS, *COMPLEX, *NOT_FINITE}
    ),
    "jacobian": Row(jacobians, STATE, NO_SLOPE),
    "leading_eigenvalues": Row(eigenvalues, STATE, {*NO_SLOPE, *NOT_FINITE}),
    "linear_map": acts(
        lambda kind: linear_map(torch.ones(2, 2, dtype=kind)),
        lambda z: z @ np.ones((2, 2)),
        refuses=LAST,
    ),
    "linear_map: matrix": Row(linear_matrix, ((3, 3),), {*LAST, *NO_ROWS}),
    "lipschitz": Row(stretches, ((4, 3), (4, 70)), {*LAST, *NO_ROWS, *NOT_FINITE}),
    "lipschitz: bound": Row(bounds, ((3, 3),), {*LAST, *NO_ROWS, *NOT_FINITE}),
    "logistic": acts(lambda _: logistic(2.5), lambda z: 2.5 * z * (1 - z)),
    "logistic_flow": acts(lambda _: logistic_flow(2.5), lambda z: 2.5 * z * (1 - z)),
    "lorenz": acts(
        lambda _: lorenz(),
        lambda z: stacked(
            10 * (z[..., 1] - z[..., 0]),
            z[..., 0] * (28 - z[..., 2]) - z[..., 1],
            z[..., 0] * z[..., 1] - 8 / 3 * z[..., 2],
        ),
        (4, 3),
        LAST,
    ),
    "lyapunov_exponents": Row(exponents, STATE, {*NO_SLOPE, *NOT_FINITE}),
    "lyapunov_exponents: batched": Row(
        batched_exponents, ((4, 3),), {*NO_AXIS, *NO_SLOPE, *NOT_FINITE}
    ),
    "mean_diagonal": Row(diagonals, STATE, {*NO_SLOPE, *NOT_FINITE}),
    "mean_diagonal: batched": Row(batched_diagonals, ((4, 3),), {*NO_AXIS, *NO_SLOPE, *NOT_FINITE}),
    "newton_map": acts(
        lambda _: newton_map(),
        lambda z: z - (z**3 - 1) / (3 * z**2),
        refuses=set(KINDS) - COMPLEX,
    ),
    "operator_norm": Row(norms, STATE, {*NO_SLOPE, *NOT_FINITE}),
    "operator_norm: batched": Row(batched_norms, ((4, 3),), {*NO_AXIS, *NO_SLOPE, *NOT_FINITE}),
    "orbit": Row(orbits, (*STATE, *ROWS), NOT_FINITE),
    "passage_times": Row(passages, ((4, 3),), {*NO_AXIS, *NO_ROWS, *NOT_FINITE}),
    "pendulum": acts(lambda _: pendulum(0.1), swing, refuses=LAST),
    "residual": Row(residuals, (*STATE, *ROWS)),
    "rk4": acts(lambda _: rk4(pendulum(0.1), 0.1), rk4_step, refuses=LAST),
    "spectral_radius": Row(radii, STATE, {*NO_SLOPE, *NOT_FINITE}),
    "spectral_radius: batched": Row(batched_radii, ((4, 3),), {*NO_AXIS, *NO_SLOPE, *NOT_FINITE}),
    "sphere_map": acts(
        lambda kind: sphere_map(torch.tensor([1, 2], dtype=real(kind)), 0.7),
        lambda z: sphere_step(z, np.array([1, 2])),
        refuses={*LAST, *COMPLEX},
    ),
    "sphere_map: target": Row(sphere_target, refuses={*LAST, *NO_ROWS, *COMPLEX, *NOT_FINITE}),
    "stability_conditions": Row(
        conditions, ((2, 2), (3, 3)), {*LAST, *NO_ROWS, *COMPLEX, *NOT_FINITE}
    ),
    "tanh_network": acts(
        lambda _: tanh_network(2, 1.5, seed=3),
        lambda z: np.tanh(z @ tanh_network(2, 1.5, seed=3).weight.numpy().T),
        refuses={*LAST, *COMPLEX, "float32"},  # its weights are in double precision
    ),
    "tent": acts(lambda _: tent(1.5), lambda z: 1.5 * np.minimum(z, 1 - z), refuses=COMPLEX),
    "van_der_pol": acts(
        lambda _: van_der_pol(),
        lambda z: stacked(z[..., 1], (1 - z[..., 0] ** 2) * z[..., 1] - z[..., 0]),
        refuses=LAST,
    ),
}


def test_every_public_function_has_a_row():
    public = {n for n, v in vars(dynamics).items() if callable(v) and not n.startswith("_")}
    assert public == set(dynamics.__all__) == {name.split(":")[0] for name in EXPORTS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.filterwarnings("error", "ignore:.torch.jit.script. is deprecated")
def test_the_right_value_or_a_sentence(name, kind):
    row = EXPORTS[name]
    tolerance = 2e-3 if kind in ("float32", "complex64") else 1e-6
    for shape in row.shapes:
        z = of_kind(kind, shape, row.values)
        with np.errstate(all="ignore"):
            if kind in NEVER | row.refuses:
                refused(row.check, z)
                continue
            for found, right in row.check(z):
                np.testing.assert_allclose(array(found), right, rtol=tolerance, atol=tolerance)
                assert array(found).shape == np.shape(right)


def refused(check: Callable, z) -> None:
    """The library itself raises, with a sentence; neither NumPy, SciPy nor PyTorch does."""
    with pytest.raises((ValueError, TypeError)) as caught:
        list(check(z))
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert Path(last.filename).parent == ROOM, caught.value
    assert len(str(caught.value)) > 30 and str(caught.value)[-1] in ".)"
