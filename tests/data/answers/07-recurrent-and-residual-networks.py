# %% q1-leaky wrong
def my_leaky(W, U, leak, x):
    z = torch.zeros(len(W))
    return (1 - leak) * z + leak * torch.tanh(W @ z + U @ x)

# %% q1-leaky wrong
def my_leaky(W, U, leak, x):
    return lambda z: leak * z + (1 - leak) * torch.tanh(z @ W.T + U @ x)

# %% q1-leaky wrong
def my_leaky(W, U, leak, x):
    return lambda z: (1 - leak) * z + leak * torch.tanh(z @ W + U @ x)

# %% q10-unlink wrong
def my_field(z):
    x, y, _ = z.unbind(-1)
    return torch.stack((-y, x, torch.zeros_like(x)), dim=-1)


my_cut = (torch.tensor([0.0, 0.0, 1.0]), -1.5)

# %% q10-unlink wrong
def my_field(z):
    return z[..., :2].square().sum(-1)


my_cut = (torch.tensor([0.0, 0.0, 1.0]), -1.5)

# %% q10-unlink wrong
def my_field(z):
    height = z[..., :2].square().sum(-1)
    return torch.stack((0 * height, 0 * height, height), dim=-1)


my_cut = (torch.tensor([0.0, 0.0, -1.0]), 1.5)

# %% q2-tied wrong
def my_tied(g, h, layers):
    def network(z):
        for _ in range(layers):
            z = z + g(z)
        return z

    return network

# %% q2-tied wrong
def my_tied(g, h, layers):
    def network(z):
        for _ in range(layers):
            z = h * (z + g(z))
        return z

    return network

# %% q2-tied wrong
def my_tied(g, h, layers):
    return lambda z: z + layers * h * g(z)

# %% q3-gradient wrong
def my_gradient(jacobians, g):
    for J in jacobians:
        g = g @ J
    return g

# %% q3-gradient wrong
def my_gradient(jacobians, g):
    for J in jacobians:
        g = J @ g
    return g

# %% q3-gradient wrong
def my_gradient(jacobians, g):
    for J in reversed(jacobians):
        g = J @ g
    return g

# %% q4-rates wrong
def my_rates(f, z0, g, steps):
    rest = fixed_point(f, z0).z
    predicted = torch.linalg.matrix_norm(jacobian(f, rest), 2).log().item()
    start = rest.clone().requires_grad_()
    z = start
    for _ in range(steps):
        z = f(z)
    (gradient,) = torch.autograd.grad((g * z).sum(), start)
    return predicted, (gradient.norm() / g.norm()).log().item() / steps

# %% q4-rates wrong
def my_rates(f, z0, g, steps):
    rest = fixed_point(f, z0).z
    predicted = math.log(spectral_radius(f, rest))
    start = rest.clone().requires_grad_()
    z = start
    for _ in range(steps):
        z = f(z)
    (gradient,) = torch.autograd.grad((g * z).sum(), start)
    return predicted, (gradient.norm() / g.norm()).item() ** (1 / steps)

# %% q4-rates wrong
def my_rates(f, z0, g, steps):
    rest = fixed_point(f, z0).z
    predicted = math.log(spectral_radius(f, rest))
    start = rest.clone().requires_grad_()
    z = start
    for _ in range(steps):
        z = f(z)
    (gradient,) = torch.autograd.grad((g * z).sum(), start)
    return predicted, (gradient.norm() / g.norm()).log().item()

# %% q5-truncated wrong
def my_truncated(step, theta, z0, g, steps, window):
    z = z0
    for k in range(steps):
        z = step(z.detach(), theta)
    return torch.autograd.grad((g * z).sum(), theta)[0]

# %% q5-truncated wrong
def my_truncated(step, theta, z0, g, steps, window):
    z = z0
    for k in range(window):
        z = step(z, theta)
    return torch.autograd.grad((g * z).sum(), theta)[0]

# %% q5-truncated wrong
def my_truncated(step, theta, z0, g, steps, window):
    z = z0
    for k in range(steps):
        if k == steps - window - 1:
            z = z.detach()
        z = step(z, theta)
    return torch.autograd.grad((g * z).sum(), theta)[0]

# %% q6-order wrong
def my_order(stepper, field, z0, time):
    exact = adaptive(field, time)(z0)
    errors = [
        (orbit(stepper(field, time / n), z0, n)[-1] - exact).norm().item()
        for n in (64, 128)
    ]
    return errors[0] / errors[1]

# %% q6-order wrong
def my_order(stepper, field, z0, time):
    exact = adaptive(field, time)(z0)
    errors = [
        (orbit(stepper(field, 1 / n), z0, n)[-1] - exact).norm().item()
        for n in (64, 128)
    ]
    return math.log2(errors[0] / errors[1])

# %% q6-order wrong
def my_order(stepper, field, z0, time):
    exact = adaptive(field, time)(z0)
    errors = [
        (orbit(stepper(field, time / n), z0, n)[-1] - exact).norm().item()
        for n in (64, 128)
    ]
    return math.log2(errors[1] / errors[0])

# %% q7-step wrong
def my_largest_step(S, gamma):
    if gamma == 0:
        return 0.0
    return 2 / gamma

# %% q7-step wrong
def my_largest_step(S, gamma):
    if gamma == 0:
        return 0.0
    return 2 * gamma / (gamma**2 + S.norm().item() ** 2)

# %% q7-step wrong
def my_largest_step(S, gamma):
    omega = torch.linalg.matrix_norm(S, 2).item()
    if gamma == 0:
        return 1 / omega
    return 2 * gamma / (gamma**2 + omega**2)

# %% q8-gated wrong
def my_gated(W, U, bias):
    def f(z):
        keep = torch.sigmoid(z @ U.T + bias)
        return (1 - keep) * z + keep * torch.tanh(z @ W.T)

    return f


def my_bias(steps):
    keep = 0.5 ** (1 / steps)
    return math.log(keep / (1 - keep))

# %% q8-gated wrong
def my_gated(W, U, bias):
    def f(z):
        keep = torch.sigmoid(z @ W.T + bias)
        return keep * z + (1 - keep) * torch.tanh(z @ U.T)

    return f


def my_bias(steps):
    keep = 0.5 ** (1 / steps)
    return math.log(keep / (1 - keep))

# %% q8-gated wrong
def my_gated(W, U, bias):
    def f(z):
        keep = torch.sigmoid(z @ U.T + bias)
        return keep * z + (1 - keep) * torch.tanh(z @ W.T)

    return f


def my_bias(steps):
    return 0.5 ** (1 / steps)

# %% q9-undo wrong
def my_undo(g, h, y):
    return y - h * g(y)

# %% q9-undo wrong
def my_undo(g, h, y):
    z = y
    for _ in range(2_000):
        z = y + h * g(z)
    return z

# %% q9-undo wrong
def my_undo(g, h, y):
    z = y
    for _ in range(2_000):
        z = y - h * g(z)
    return z

# %% q4-rates wrong: the pair swapped -> are the two in the right order
def my_rates(f, z0, g, steps):
    rest = fixed_point(f, z0).z
    predicted = math.log(spectral_radius(f, rest))
    return predicted + 0.01, predicted

# %% q7-step wrong: the factor 2 is forgotten -> is the factor 2 there
def my_largest_step(S, gamma):
    omega = torch.linalg.matrix_norm(S, 2).item()
    return gamma / (gamma**2 + omega**2)

# %% q10-unlink wrong: the cut has only two numbers -> must have the shape
my_cut = (torch.tensor([0.0, 1.0]), -1.5)

# %% q10-unlink wrong: no pair -> my_cut is a pair
my_cut = torch.tensor([0.0, 0.0, 1.0])
