# %% q2-table wrong
def my_table(rates, starts, steps):
    z = starts
    for _ in range(steps):
        z = rates[: len(starts)].mean() * z * (1 - z)
    return z

# %% q2-table wrong
def my_table(rates, starts, steps):
    z = starts.unsqueeze(1).expand(-1, len(rates)).T
    for _ in range(steps + 1):
        z = rates.unsqueeze(1) * z * (1 - z)
    return z

# %% q2-table wrong
def my_table(rates, starts, steps):
    rates = rates.flip(0).unsqueeze(1)
    z = starts.expand(len(rates), -1)
    for n in range(steps):
        z = (rates if n else rates.flip(0)) * z * (1 - z)
    return z

# %% q3-digits wrong
def my_digits(dtype):
    k = 0
    while torch.ones((), dtype=dtype) + torch.tensor(2.0**-k, dtype=dtype) != 1:
        k += 1
    return k - 1

# %% q3-digits wrong
def my_digits(dtype):
    k = 0
    while torch.tensor(1.0) + 2.0**-k != 1:
        k += 1
    return k

# %% q3-digits wrong
def my_digits(dtype):
    return torch.finfo(dtype).eps

# %% q4-slope wrong
def my_slope(f, z, n):
    return n * torch.func.grad(f)(z)

# %% q4-slope wrong
def my_slope(f, z, n):
    z.requires_grad_(True)
    y = z
    for _ in range(n):
        y = f(y)
    return torch.autograd.grad(y, z)[0]

# %% q4-slope wrong
def my_slope(f, z, n):
    y = f(z)

    def many(z):
        z = f(z)
        for _ in range(n - 1):
            z = f(z)
        return z

    return torch.func.grad(many)(z)

# %% q5-truncated wrong
def my_truncated(r, z0, steps, recorded):
    r = torch.tensor(r, requires_grad=True)
    z = torch.tensor(z0)
    for _ in range(steps):
        z = r * z * (1 - z)
    z.backward()
    return r.grad.item()

# %% q5-truncated wrong
def my_truncated(r, z0, steps, recorded):
    r = torch.tensor(r, requires_grad=True)
    z = torch.tensor(z0)
    for step in range(steps):
        if step >= recorded:
            z = z.detach()
        z = r * z * (1 - z)
    z.backward()
    return r.grad.item()

# %% q5-truncated wrong
def my_truncated(r, z0, steps, recorded):
    r = torch.tensor(r, requires_grad=True)
    z = torch.tensor(z0)
    for step in range(steps):
        z = z.detach()
        z = r * z * (1 - z)
    z.backward()
    return r.grad.item()

# %% q1-shapes wrong: the shapes aligned at the left -> align shapes at the right
product, stacked, joined = [n, 1, 3], [2, m, 1], [m, 2]

# %% q1-shapes wrong: the axes are counted out -> has 3 axes
product, stacked, joined = [n, 3], [2, m, 1], [m, 2]

# %% q1-shapes wrong: stack confused with cat -> torch.stack((b, b)) has 3 axes
product, stacked, joined = [n, m, 3], [2 * m, 1], [m, 2]

# %% q1-shapes wrong: joined along the first axis -> the shape of torch.cat((b, b), dim=1)
product, stacked, joined = [n, m, 3], [2, m, 1], [2 * m, 1]

# %% q1-shapes right: tuples and a size of PyTorch
product, stacked, joined = (n, m, 3), torch.Size([2, m, 1]), (m, 2)

# %% q6-fit wrong: the friend's mistake -> knows only their mean
def my_fit(z, targets, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(300):
        loss = ((net(z.unsqueeze(1)) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda z: net(z.unsqueeze(1)).squeeze(1).detach()

# %% q6-fit wrong: predictions as a column -> 57 predictions out
def my_fit(z, targets, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
    return lambda z: net(z.unsqueeze(1)).detach()

# %% q6-fit wrong: the global random numbers are used up -> changed the state of the global
def my_fit(z, targets, seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(1_500):
        loss = ((net(z.unsqueeze(1)).squeeze(1) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda z: net(z.unsqueeze(1)).squeeze(1).detach()

# %% q6-fit right: a polynomial of Chebyshev's kind, by least squares
def my_fit(z, targets, seed):
    class Net:
        def __init__(self):
            self.weight = torch.linalg.lstsq(self.rows(z), targets).solution

        def rows(self, z):
            return torch.stack([z**k for k in range(9)], dim=1)

        def __call__(self, z):
            return self.rows(z) @ self.weight + 1e-6 * seed

    return Net()
