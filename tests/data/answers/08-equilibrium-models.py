# %% q1-enough wrong
def my_enough(q, share):
    return math.floor(math.log(share) / math.log(q))

# %% q1-enough wrong
def my_enough(q, share):
    return math.ceil(math.log(share) / math.log(q)) + 1

# %% q1-enough wrong
def my_enough(q, share):
    return math.log(share) / math.log(q)

# %% q2-slopes wrong
def my_slopes(a, x):
    return 1.0, 1 / (1 - a)

# %% q2-slopes wrong
def my_slopes(a, x):
    z = 0.0
    for _ in range(10_000):
        z = math.tanh(a * z + x)
    slope = 1 - z**2
    return slope, slope / (1 - a)

# %% q2-slopes wrong
def my_slopes(a, x):
    z = 0.0
    for _ in range(10_000):
        z = math.tanh(a * z + x)
    return (1 - z**2) / (1 - a * (1 - z**2))

# %% q3-rest wrong
def my_rest(f, z0):
    z = z0
    for _ in range(5_000):
        z = f(z)
    return z, spectral_radius(f, z) < 1

# %% q3-rest wrong
def my_rest(f, z0):
    z = z0
    for _ in range(20):
        J = jacobian(f, z)
        z = z + torch.linalg.solve(J - torch.eye(len(z)), z - f(z))
    return z, bool((f(z) - z).norm() < 1e-9)

# %% q3-rest wrong
def my_rest(f, z0):
    z = z0
    for _ in range(20):
        J = jacobian(f, z)
        z = z + torch.linalg.solve(J - torch.eye(len(z)), z - f(z))
    spread = torch.linalg.matrix_norm(jacobian(f, z), 2)
    return z, bool(spread < 3)

# %% q4-terms wrong
def my_terms(f, z, g, k):
    term, total = g, g
    for _ in range(k - 1):
        term = torch.func.jvp(f, (z,), (term,))[1]
        total = total + term
    return total

# %% q4-terms wrong
def my_terms(f, z, g, k):
    y = z.detach().requires_grad_()
    image, term = f(y), g
    for _ in range(k - 1):
        (term,) = torch.autograd.grad(image, y, term, retain_graph=True)
    return term

# %% q4-terms wrong
def my_terms(f, z, g, k):
    y = z.detach().requires_grad_()
    image, total = f(y), g
    for _ in range(k - 1):
        (term,) = torch.autograd.grad(image, y, g, retain_graph=True)
        total = total + term
    return total

# %% q5-gradient wrong
def my_gradient(f, z, g, parameters):
    if (f(z) - z).norm() > 1e-6:
        raise ValueError("not at rest")
    return list(torch.autograd.grad(f(z), parameters, my_terms(f, z, g, 1)))

# %% q5-gradient wrong
def my_gradient(f, z, g, parameters):
    if (f(z) - z).norm() > 1e-6:
        raise ValueError("not at rest")
    return list(torch.autograd.grad(f(z), parameters, my_terms(f, z, g, 4)))

# %% q5-gradient wrong
def my_gradient(f, z, g, parameters):
    return list(torch.autograd.grad(f(z), parameters, my_terms(f, z, g, 500)))

# %% q6-damping wrong
def my_damping(low, high):
    return 1.0, max(abs(low), abs(high))

# %% q6-damping wrong
def my_damping(low, high):
    damping = 1 / (1 - low)
    return damping, abs(1 - damping + damping * high)

# %% q6-damping wrong
def my_damping(low, high):
    damping = 2 / (2 - low - high)
    return damping, 1 - damping + damping * low

# %% q7-uphill wrong
J = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
g = torch.tensor([1.0, 0.0])

# %% q7-uphill wrong
J = torch.tensor([[0.4, 0.3], [-0.3, 0.4]])
g = torch.tensor([1.0, -1.0])

# %% q7-uphill wrong
J = torch.tensor([[0.0, 20.0], [0.0, 0.0]])
g = torch.tensor([0.0, 1.0])

# %% q8-mislead wrong
def my_mislead(q, bound):
    J = torch.tensor([[0.0, 8.0], [0.0, 0.0]])
    v = torch.tensor([1.0, 4.0])
    return torch.eye(2), J, v - J.T @ v

# %% q8-mislead wrong
def my_mislead(q, bound):
    J = q * torch.eye(2)
    return torch.diag(torch.tensor([1.0, 1e6])), J, torch.tensor([1.0, -1.0])

# %% q8-mislead wrong
def my_mislead(q, bound):
    c = 20.0
    M = torch.diag(torch.tensor([1.0, c**2]))
    v = torch.tensor([c, 1.0])
    J = q * torch.outer(v, M @ v) / (v.norm() * (M @ v).norm())
    return M.sqrt(), J, v - J.T @ v

# %% q9-cosine wrong
def my_cosine(model, inputs, labels, recorded, cycles):
    weights = [p for name, p in model.named_parameters() if "layers" in name]
    gradients = []
    for last in (recorded, cycles):
        x = model.embed(inputs).detach()
        z_H, z_L = model.initial_state(1)
        for n in range(last):
            z_H, z_L = model.cycle(z_H, z_L, x)
        loss = stablemax_cross_entropy(model.read_out(z_H).logits, labels).mean()
        parts = torch.autograd.grad(loss, weights)
        gradients.append(torch.cat([part.flatten() for part in parts]))
    return cosine_similarity(*gradients, dim=0).item()

# %% q9-cosine wrong
def my_cosine(model, inputs, labels, recorded, cycles):
    weights = [p for name, p in model.named_parameters() if "layers" in name]
    gradients = []
    for last in (recorded, cycles):
        x = model.embed(inputs).detach()
        z_H, z_L = model.initial_state(1)
        for n in range(cycles):
            if n < cycles - last:
                z_H.detach(), z_L.detach()
            z_H, z_L = model.cycle(z_H, z_L, x)
        loss = stablemax_cross_entropy(model.read_out(z_H).logits, labels).mean()
        parts = torch.autograd.grad(loss, weights)
        gradients.append(torch.cat([part.flatten() for part in parts]))
    return cosine_similarity(*gradients, dim=0).item()

# %% q9-cosine right: a tensor without axes
def my_cosine(model, inputs, labels, recorded, cycles):
    weights = [p for name, p in model.named_parameters() if "layers" in name]
    gradients = []
    for last in (recorded, cycles):
        x = model.embed(inputs).detach()
        z_H, z_L = model.initial_state(1)
        for n in range(cycles):
            with torch.set_grad_enabled(n >= cycles - last):
                z_H, z_L = model.cycle(z_H, z_L, x)
        loss = stablemax_cross_entropy(model.read_out(z_H).logits, labels).mean()
        parts = torch.autograd.grad(loss, weights)
        gradients.append(torch.cat([part.flatten() for part in parts]))
    return cosine_similarity(*gradients, dim=0)

# %% q3-rest wrong: the sign of the step -> with (J - I) d = z - f(z)
def my_rest(f, z0):
    z = z0
    for _ in range(20):
        z = z - torch.linalg.solve(jacobian(f, z) - torch.eye(len(z)), z - f(z))
    return z, spectral_radius(f, z) < 1

# %% q3-rest wrong: the pair swapped -> the first of them, the state
def my_rest(f, z0):
    return True, z0

# %% q8-mislead wrong: J is not transposed, and the search never ends -> does every loop in it come to an end
def my_mislead(q, bound):
    v = torch.tensor([1.0, q / 2])
    J = q * torch.outer(torch.tensor([0.0, 1.0]), v / v.norm())
    g, c = v - J.T @ v, 2.0
    while True:
        B = torch.diag(torch.tensor([1.0, c]))
        if cosine_similarity(B.T @ g, B.T @ v, dim=0) <= bound:
            return B, J, g
        c = 2 * c

# %% q8-mislead wrong: text -> the matrix J
def my_mislead(q, bound):
    return torch.eye(2), "J", torch.ones(2)

# %% q9-cosine wrong: a tensor of two -> must have the shape []
def my_cosine(model, inputs, labels, recorded, cycles):
    return torch.ones(2)
