# %% q1-exponent wrong: no absolute value
def my_exponent(f, z0, steps):
    z, total = z0, 0.0
    for _ in range(steps):
        z, slope = torch.func.jvp(f, (z,), (torch.ones_like(z),))
        total += slope.log().item()
    return total / steps

# %% q1-exponent wrong: the slope after the step
def my_exponent(f, z0, steps):
    z, total = z0, 0.0
    for _ in range(steps):
        z = f(z)
        total += torch.func.grad(f)(z).abs().log().item()
    return total / steps

# %% q1-exponent wrong: the logarithm of the mean
def my_exponent(f, z0, steps):
    z, total = z0, 0.0
    for _ in range(steps):
        z, slope = torch.func.jvp(f, (z,), (torch.ones_like(z),))
        total += slope.abs().item()
    return math.log(total / steps)

# %% q2-horizon wrong
n = math.floor(math.log(0.1 / eps) / lam)
digits = 100 * lam / math.log(10)

# %% q2-horizon wrong
n = math.ceil(math.log(1.0 / eps) / lam) + 1
digits = 100 * lam / math.log(10)

# %% q2-horizon wrong
n = math.ceil(math.log(0.1 / eps) / lam)
digits = 100 * lam

# %% q3-spectrum wrong: the Jacobian after the step
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        z = f(z)
        Q, R = torch.linalg.qr(jacobian(f, z) @ Q)
        total += R.diagonal().abs().log()
    return total / steps

# %% q3-spectrum wrong: never makes the columns orthogonal
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q = jacobian(f, z) @ Q
        z = f(z)
        length = Q.norm(dim=0)
        Q, total = Q / length, total + length.log()
    return total / steps

# %% q3-spectrum wrong: a sum, not a mean
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q, R = torch.linalg.qr(jacobian(f, z) @ Q)
        z = f(z)
        total += R.diagonal().abs().log()
    return total

# %% q4-matrix wrong
A = torch.tensor([[0.9, 100.0], [0.0, 0.9]])

# %% q4-matrix wrong
A = torch.tensor([[0.8, 100.0], [0.5, 0.8]])

# %% q4-matrix wrong
A = torch.tensor([[0.1, 100.0], [1e-8, 0.1]])

# %% q5-noisy wrong: the push shrinks like h
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        push = torch.randn(z.shape, generator=generator)
        states.append(z + h * (field(z) + sigma * push))
    return torch.stack(states)

# %% q5-noisy wrong: the push does not shrink
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        push = torch.randn(z.shape, generator=generator)
        states.append(z + h * field(z) + sigma * push)
    return torch.stack(states)

# %% q5-noisy wrong: the root at both places
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        push = torch.randn(z.shape, generator=generator)
        states.append(z + math.sqrt(h) * (field(z) + sigma * push))
    return torch.stack(states)

# %% q6-strength wrong: Euler-Maruyama's scaling, right only for small h and a close to 1
def my_strength(a, sigma, h):
    return sigma * math.sqrt(h)

# %% q6-strength wrong: as it was
def my_strength(a, sigma, h):
    return sigma

# %% q6-strength wrong: like the drift
def my_strength(a, sigma, h):
    return sigma * h

# %% q7-passage wrong: nothing in front
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    x = torch.linspace(wall, goal, 40_001)
    inner = torch.cumulative_trapezoid(torch.exp(-V(x) / D), x)
    y, outer = x[1:], torch.exp(V(x[1:]) / D) * inner
    inside = y >= start
    return torch.trapezoid(outer[inside], y[inside]).item()

# %% q7-passage wrong: D without the half
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2
    x = torch.linspace(wall, goal, 40_001)
    inner = torch.cumulative_trapezoid(torch.exp(-V(x) / D), x)
    y, outer = x[1:], torch.exp(V(x[1:]) / D) * inner
    inside = y >= start
    return torch.trapezoid(outer[inside], y[inside]).item() / D

# %% q7-passage wrong: the inner integral begins at the start
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    y = torch.linspace(start, goal, 40_001)
    inner = torch.cumulative_trapezoid(torch.exp(-V(y) / D), y)
    return torch.trapezoid(torch.exp(V(y[1:]) / D) * inner, y[1:]).item() / D

# %% q1-exponent wrong: a forward difference -> a quotient of differences is off
def my_exponent(f, z0, steps):
    z, total = z0, 0.0
    for _ in range(steps):
        total += ((f(z + 1e-6) - f(z)) / 1e-6).abs().log().item()
        z = f(z)
    return total / steps

# %% q1-exponent wrong: marks the start that was handed in -> has changed `z0`
def my_exponent(f, z0, steps):
    z, total = z0.requires_grad_(), 0.0
    for _ in range(steps):
        (slope,) = torch.autograd.grad(f(z), z)
        total += slope.abs().log().item()
        z = f(z).detach().requires_grad_()
    return total / steps

# %% q1-exponent right: by autograd, a tensor comes back
def my_exponent(f, z0, steps):
    z, total = z0.clone(), torch.zeros(())
    for _ in range(steps):
        z = z.detach().requires_grad_()
        (slope,) = torch.autograd.grad(f(z), z)
        total = total + slope.abs().log()
        z = f(z)
    return total / steps

# %% q2-horizon wrong: the logarithm is forgotten -> is there a logarithm in it
n, digits = math.ceil(0.1 / eps), 3.0

# %% q2-horizon wrong: the digits are rounded -> not to be rounded
n = math.ceil(math.log(0.1 / eps) / lam)
digits = math.ceil(100 * lam / math.log(10))

# %% q2-horizon wrong: a digit for each step -> between 0 and 100 digits
n = math.ceil(math.log(0.1 / eps) / lam)
digits = 1e4

# %% q2-horizon right: of NumPy, with a rounded ln 10
import numpy

n = numpy.ceil(numpy.log(0.1 / eps) / lam).astype(int)
digits = 100 * lam / 2.302585

# %% q3-spectrum wrong: the frame is never carried on -> of the frame that the step before has left
def my_spectrum(f, z0, steps):
    z, total = z0, torch.zeros(len(z0))
    for _ in range(steps):
        _, R = torch.linalg.qr(jacobian(f, z))
        z = f(z)
        total += R.diagonal().abs().log()
    return total / steps

# %% q3-spectrum wrong: the transposed Jacobian -> of the frame that the step before has left
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q, R = torch.linalg.qr(jacobian(f, z).T @ Q)
        z = f(z)
        total += R.diagonal().abs().log()
    return total / steps

# %% q3-spectrum wrong: the frame stands on the left -> of the frame that the step before has left
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q, R = torch.linalg.qr(Q @ jacobian(f, z))
        z = f(z)
        total += R.diagonal().abs().log()
    return total / steps

# %% q3-spectrum wrong: the eigenvalues of each Jacobian -> of the frame that the step before has left
def my_spectrum(f, z0, steps):
    z, total = z0, torch.zeros(len(z0))
    for _ in range(steps):
        total += torch.linalg.eigvals(jacobian(f, z)).abs().sort(descending=True).values.log()
        z = f(z)
    return total / steps

# %% q3-spectrum right: the smallest exponent first
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q, R = torch.linalg.qr(jacobian(f, z) @ Q)
        z = f(z)
        total += R.diagonal().abs().log()
    return (total / steps).sort().values.tolist()

# %% q4-matrix wrong: whole numbers -> an eigenvalue is larger than 0.9
A = torch.tensor([[1, 100], [1, 1]])

# %% q4-matrix right: in single precision, as a list of tensors
A = [torch.tensor([0.8, 100.0], dtype=torch.float32), torch.tensor([1e-6, 0.8], dtype=torch.float32)]

# %% q5-noisy wrong: the global generator -> hand on `generator`
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        states.append(z + h * field(z) + sigma * math.sqrt(h) * torch.randn(z.shape))
    return torch.stack(states)

# %% q5-noisy wrong: seeds the generator anew -> don't seed it
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    generator.manual_seed(0)
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        push = torch.randn(z.shape, generator=generator)
        states.append(z + h * field(z) + sigma * math.sqrt(h) * push)
    return torch.stack(states)

# %% q5-noisy wrong: one push for all steps -> draw a new one for each
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    push = torch.randn(z0.shape, generator=generator)
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        states.append(z + h * field(z) + sigma * math.sqrt(h) * push)
    return torch.stack(states)

# %% q5-noisy wrong: one push for all numbers of a row -> independent of each other
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        push = torch.randn((len(z), *[1] * (z.ndim - 1)), generator=generator)
        states.append(z + h * field(z) + sigma * math.sqrt(h) * push)
    return torch.stack(states)

# %% q5-noisy wrong: steps in place -> has changed `z0`
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0.clone()]
    for _ in range(steps):
        z0 += h * field(z0) + sigma * math.sqrt(h) * torch.randn(z0.shape, generator=generator)
        states.append(z0.clone())
    return torch.stack(states)

# %% q5-noisy right: writes into one tensor
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = torch.empty(steps + 1, *z0.shape)
    states[0] = z0
    for n in range(steps):
        push = torch.empty(z0.shape).normal_(generator=generator)
        states[n + 1] = states[n] + h * field(states[n]) + sigma * h**0.5 * push
    return states

# %% q6-strength wrong: sigma is that of the example -> does sigma enter
def my_strength(a, sigma, h):
    slope = 1 - h + h * a
    return 0.2 * math.sqrt((1 - slope**2) / (1 - a**2))

# %% q6-strength right: a tensor in single precision
def my_strength(a, sigma, h):
    slope = torch.tensor(1 - h + h * a)
    return (sigma * ((1 - slope**2) / (1 - a**2)).sqrt())

# %% q7-passage wrong: the wall of the example -> with the wall at -1
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    x = torch.cat((torch.linspace(-3.0, start, 20_001), torch.linspace(start, goal, 20_001)[1:]))
    inner = torch.cumulative_trapezoid(torch.exp(-V(x) / D), x)
    y, outer = x[1:], torch.exp(V(x[1:]) / D) * inner
    return torch.trapezoid(outer[y >= start], y[y >= start]).item() / D

# %% q7-passage wrong: V is not divided by D -> V is divided by D
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    x = torch.cat((torch.linspace(wall, start, 20_001), torch.linspace(start, goal, 20_001)[1:]))
    inner = torch.cumulative_trapezoid(torch.exp(-V(x)), x)
    y, outer = x[1:], torch.exp(V(x[1:])) * inner
    return torch.trapezoid(outer[y >= start], y[y >= start]).item() / D

# %% q7-passage wrong: thirty points -> take a finer grid
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    x = torch.cat((torch.linspace(wall, start, 31), torch.linspace(start, goal, 31)[1:]))
    inner = torch.cumulative_trapezoid(torch.exp(-V(x) / D), x)
    y, outer = x[1:], torch.exp(V(x[1:]) / D) * inner
    return torch.trapezoid(outer[y >= start], y[y >= start]).item() / D

# %% q7-passage right: one grid of 20,001 points, as the hint says
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    x = torch.linspace(wall, goal, 20_001)
    inner = torch.cat((torch.zeros(1), torch.cumulative_trapezoid(torch.exp(-V(x) / D), x)))
    outer = torch.exp(V(x) / D) * inner
    return torch.trapezoid(outer[x >= start], x[x >= start]) / D
