# %% q1-weights wrong: keeps the diagonal
def my_weights(X):
    return X.T @ X / X.shape[1]

# %% q1-weights wrong: divides by the number of patterns
def my_weights(X):
    W = X.T @ X / X.shape[0]
    return W - W.diagonal().diag()

# %% q1-weights wrong: compares patterns instead of units
def my_weights(X):
    W = X @ X.T / X.shape[1]
    return W - W.diagonal().diag()

# %% q2-sweep wrong: all at once
def my_sweep(W, z, order):
    drive = z @ W
    return torch.where(drive == 0, z, drive.sign())

# %% q2-sweep wrong: works on the state that was handed in
def my_sweep(W, z, order):
    for i in order:
        drive = z @ W[i]
        z[..., i] = torch.where(drive == 0, z[..., i], drive.sign())
    return z

# %% q2-sweep wrong: a unit without drive becomes 0
def my_sweep(W, z, order):
    z = z.clone()
    for i in order:
        z[..., i] = (z @ W[i]).sign()
    return z

# %% q3-hop wrong: stores the pattern, so it rests
z = torch.ones(n)
z[::2] = -1
W = my_weights(z[None])

# %% q3-hop wrong: every unit wants to differ from every other: one sign only
z = torch.ones(n)
z[::2] = -1
W = torch.eye(n) - 1

# %% q3-hop wrong: a chase: no symmetry
z = torch.ones(n)
z[::2] = -1
W = torch.ones(n, n).triu(1) - torch.ones(n, n).tril(-1)

# %% q4-capacity wrong: measures before anything has moved
def my_overlap(X, noisy):
    return (noisy * X).mean().item()


def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02).tolist():
        X = random_patterns(round(load * n), n, 0)
        if my_overlap(X, spoil(X, 0.05, 1)) < 0.95:
            return load

# %% q4-capacity wrong: the share of correct units
def my_overlap(X, noisy):
    W, z = my_weights(X), noisy
    for _ in range(8):
        z = my_sweep(W, z, range(X.shape[1]))
    return (z == X).double().mean().item()


def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02).tolist():
        X = random_patterns(round(load * n), n, 0)
        if my_overlap(X, spoil(X, 0.05, 1)) < 0.95:
            return load

# %% q4-capacity wrong: the number of patterns in the place of the load
def my_overlap(X, noisy):
    W, z = my_weights(X), noisy
    for _ in range(8):
        z = my_sweep(W, z, range(X.shape[1]))
    return (z * X).mean().item()


def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02).tolist():
        X = random_patterns(round(load * n), n, 0)
        if my_overlap(X, spoil(X, 0.05, 1)) < 0.95:
            return len(X)

# %% q5-spurious wrong: the majority, without settling
def my_spurious(X):
    return X[:3].sum(0).sign()

# %% q5-spurious wrong: the negative of a pattern
def my_spurious(X):
    return -X[0]

# %% q5-spurious wrong: the mean of three patterns is no state
def my_spurious(X):
    return X[:3].mean(0)

# %% q6-attention wrong: weights add up over the states
def my_attention(X, z, beta):
    return torch.softmax(beta * (z @ X.T), dim=0) @ X


def my_sharpness(X, noisy, wanted):
    return 8

# %% q6-attention wrong: forgets beta, but for its sign
def my_attention(X, z, beta):
    return torch.softmax((beta > 0) * (z @ X.T), dim=-1) @ X


def my_sharpness(X, noisy, wanted):
    return 8

# %% q6-attention wrong: sharp enough for every wish
def my_attention(X, z, beta):
    return torch.softmax(beta * (z @ X.T), dim=-1) @ X


def my_sharpness(X, noisy, wanted):
    return 1024

# %% q7-clashes wrong: every pair twice
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    box = row // h * h + column // w
    share = sum(u[:, None] == u[None] for u in (row, column, box)) > 0
    share = share & ~torch.eye(side**2, dtype=torch.bool)
    return (share & (z[:, :, None] == z[:, None, :])).sum((1, 2))

# %% q7-clashes wrong: adds up rows, columns and boxes
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    box = row // h * h + column // w
    share = sum((u[:, None] == u[None]).long() for u in (row, column, box))
    return (share.triu(1) * (z[:, :, None] == z[:, None, :])).sum((1, 2))

# %% q7-clashes wrong: forgets the boxes
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    share = sum(u[:, None] == u[None] for u in (row, column)) > 0
    return (share.triu(1) & (z[:, :, None] == z[:, None, :])).sum((1, 2))

# %% q8-minimise wrong: one descent, no noise
def my_minimise(energy, puzzle, digits, seed):
    generator = torch.Generator().manual_seed(seed)
    free = (puzzle == 0).nonzero().flatten().tolist()
    z = puzzle.clone()
    z[free] = torch.randint(1, digits + 1, (len(free),), generator=generator)
    for _ in range(10):
        for i in free:
            boards = z.repeat(digits, 1)
            boards[:, i] = torch.arange(1, digits + 1)
            z = boards[energy(boards).argmin()]
    return z

# %% q8-minimise wrong: forgets the givens
def my_minimise(energy, puzzle, digits, seed):
    generator = torch.Generator().manual_seed(seed)
    boards = torch.randint(1, digits + 1, (20_000, len(puzzle)), generator=generator)
    return boards[energy(boards).argmin()]

# %% q8-minimise wrong: tries boards at random, far too many
def my_minimise(energy, puzzle, digits, seed):
    generator = torch.Generator().manual_seed(seed)
    boards = torch.randint(1, digits + 1, (30_000, len(puzzle)), generator=generator)
    boards = torch.where(puzzle > 0, puzzle, boards)
    return boards[energy(boards).argmin()]

# %% q4-capacity wrong: nothing is spoiled -> must spoil 5 %
def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02).tolist():
        sets = [random_patterns(round(load * n), n, seed) for seed in range(3)]
        if sum(my_overlap(X, X) for X in sets) / 3 < 0.95:
            return load

# %% q4-capacity right: a tensor comes back
def my_overlap(X, noisy):
    W, z = my_weights(X), noisy
    for _ in range(8):
        z = my_sweep(W, z, range(X.shape[1]))
    return (z * X).float().mean()


def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02):
        sets = [random_patterns(round(load.item() * n), n, seed) for seed in range(3)]
        if sum(my_overlap(X, spoil(X, 0.05, 7)) for X in sets) / 3 < 0.95:
            return load

# %% q5-spurious wrong: one majority, settled, whatever it is -> that one was stored
def my_spurious(X):
    z = X[:3].sum(0).sign()
    for _ in range(30):
        z = my_sweep(my_weights(X), z, range(X.shape[1]))
    return z

# %% q7-clashes wrong: rows and columns of a box swapped -> share a box
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    box = row // w * w + column // h
    share = sum(u[:, None] == u[None] for u in (row, column, box)) > 0
    return (share.triu(diagonal=1) & (z[:, :, None] == z[:, None, :])).sum((1, 2))
