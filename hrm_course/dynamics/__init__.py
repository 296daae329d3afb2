"""Maps, flows, and the instruments that act on any callable ``f: tensor -> tensor``.

With ``batched=True`` an instrument reads the first axis of ``z`` as independent rows and
answers for each row; otherwise the whole tensor is one state. What takes many ``points`` or
``starts`` always reads the first axis so, and asks for a map that takes any number of rows.
"""

from .chaos import lyapunov_exponents
from .conditions import stability_conditions
from .contraction import lipschitz
from .fixed_points import fixed_point, fixed_points
from .flows import (
    adaptive,
    double_well,
    euler,
    euler_maruyama,
    logistic_flow,
    lorenz,
    pendulum,
    rk4,
    van_der_pol,
)
from .maps import henon, linear_map, logistic, newton_map, sphere_map, tanh_network, tent
from .memory import hopfield, hopfield_energy
from .orbits import orbit, residual
from .regions import basins, bifurcation, passage_times
from .stability import (
    jacobian,
    leading_eigenvalues,
    mean_diagonal,
    operator_norm,
    spectral_radius,
)
from .trajectories import auc, ending, participation_ratio, two_nn, walk_like

__all__ = [
    "adaptive",
    "auc",
    "basins",
    "bifurcation",
    "double_well",
    "ending",
    "euler",
    "euler_maruyama",
    "fixed_point",
    "fixed_points",
    "henon",
    "hopfield",
    "hopfield_energy",
    "jacobian",
    "leading_eigenvalues",
    "linear_map",
    "lipschitz",
    "logistic",
    "logistic_flow",
    "lorenz",
    "lyapunov_exponents",
    "mean_diagonal",
    "newton_map",
    "operator_norm",
    "orbit",
    "participation_ratio",
    "passage_times",
    "pendulum",
    "residual",
    "rk4",
    "spectral_radius",
    "sphere_map",
    "stability_conditions",
    "tanh_network",
    "tent",
    "two_nn",
    "van_der_pol",
    "walk_like",
]
