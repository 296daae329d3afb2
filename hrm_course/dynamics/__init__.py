"""Maps, flows, and the instruments that act on any callable ``f: tensor -> tensor``.

With ``batched=True`` an instrument reads the first axis of ``z`` as independent rows and
answers for each row; otherwise the whole tensor is one state.
"""

from .fixed_points import FixedPoint, fixed_point
from .flows import euler, logistic_flow, lorenz, pendulum, rk4, van_der_pol
from .maps import henon, linear_map, logistic, tent
from .orbits import orbit, residual
from .stability import jacobian, leading_eigenvalues, spectral_radius

__all__ = [
    "FixedPoint",
    "euler",
    "fixed_point",
    "henon",
    "jacobian",
    "leading_eigenvalues",
    "linear_map",
    "logistic",
    "logistic_flow",
    "lorenz",
    "orbit",
    "pendulum",
    "residual",
    "rk4",
    "spectral_radius",
    "tent",
    "van_der_pol",
]
