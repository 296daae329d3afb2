# %% q1-bounds wrong: one bound only
def my_bounds(q, first_step, last_step, n):
    return q**n / (1 - q) * first_step

# %% q1-bounds wrong: forgets to sum the steps that are still to come
def my_bounds(q, first_step, last_step, n):
    return q**n * first_step, q / (1 - q) * last_step

# %% q1-bounds wrong: 1 / (1 - q) in the place of q / (1 - q)
def my_bounds(q, first_step, last_step, n):
    return q**n / (1 - q) * first_step, 1 / (1 - q) * last_step

# %% q2-enough wrong: not rounded
n = math.log(eps * (1 - rate) / first) / math.log(rate)

# %% q2-enough wrong: the step is short enough, the distance is not
n = math.ceil(math.log(eps / first) / math.log(rate))

# %% q2-enough wrong: one step to be on the safe side
n = math.ceil(math.log(eps * (1 - rate) / first) / math.log(rate)) + 1

# %% q3-rest wrong: stops at a short step
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        new = f(z)
        step, z, steps = (new - z).norm(), new, steps + 1
        if step <= tol:
            return z, steps

# %% q3-rest wrong: waits too long: the bound for the state before
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        new = f(z)
        step, z, steps = (new - z).norm(), new, steps + 1
        if step / (1 - q) <= tol:
            return z, steps

# %% q3-rest wrong: applies f twice in each step
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        step, z, steps = (f(z) - z).norm(), f(z), steps + 1
        if my_bounds(q, step, step, 1)[1] <= tol:
            return z, steps

# %% q4-lipschitz wrong: does not leave out the pairs (i, i)
def seen(f, points, p):
    gaps = points[:, None] - points[None, :]
    images = f(points)[:, None] - f(points)[None, :]
    ratios = torch.linalg.vector_norm(images, p, dim=-1) / torch.linalg.vector_norm(
        gaps, p, dim=-1
    )
    return ratios.max().item()


def certified(W, p):
    return torch.linalg.matrix_norm(W, p).item()

# %% q4-lipschitz wrong: the largest entry in the place of an operator norm
def seen(f, points, p):
    i, j = torch.triu_indices(len(points), len(points), offset=1)
    images = f(points)
    before = torch.linalg.vector_norm(points[i] - points[j], p, dim=-1)
    after = torch.linalg.vector_norm(images[i] - images[j], p, dim=-1)
    return (after / before).max().item()


def certified(W, p):
    return W.abs().max().item()

# %% q4-lipschitz wrong: looks at pairs of neighbours in the list only
def seen(f, points, p):
    before = torch.linalg.vector_norm(points.diff(dim=0), p, dim=-1)
    after = torch.linalg.vector_norm(f(points).diff(dim=0), p, dim=-1)
    return (after / before).max().item()


def certified(W, p):
    return torch.linalg.matrix_norm(W, p).item()

# %% q5-ruler wrong: stretches in no norm
A = torch.tensor([[0.5, 0.1], [0.0, 0.5]])
weights = torch.tensor([1.0, 1.0])

# %% q5-ruler wrong: no norm can help
A = torch.tensor([[0.0, 2.0 * stretch], [2.0 * stretch, 0.0]])
weights = torch.tensor([1.0, 10.0])

# %% q5-ruler wrong: weights the wrong coordinate
A = torch.tensor([[0.5, 2.0 * stretch], [0.0, 0.5]])
weights = torch.tensor([10.0 * stretch, 1.0])

# %% q6-sensitive wrong: one application is not the answer
def answer(w, x):
    return torch.tanh(x)


x_one = 0.0
x_two = 0.001

# %% q6-sensitive wrong: where the tanh is flat
def answer(w, x):
    return rest(lambda z: torch.tanh(w * z + x), torch.zeros_like(x), w, 1e-9)[0]


x_one = 1.0
x_two = 1.1

# %% q6-sensitive wrong: too close together
def answer(w, x):
    return rest(lambda z: torch.tanh(w * z + x), torch.zeros_like(x), w, 1e-9)[0]


x_one = 0.0
x_two = 1e-6

# %% q7-torn wrong: not on the sphere
z_one = torch.tensor([0.1, 0.0, -1.0])
z_two = torch.tensor([-0.1, 0.0, -1.0])

# %% q7-torn wrong: near the target, where the map contracts
z_one = torch.tensor([0.6, 0.0, 0.8])
z_two = torch.tensor([-0.6, 0.0, 0.8])

# %% q7-torn wrong: torn apart, but not near enough to the antipode
far = kappa - 1  # this far from the antipode, z + c is longer by a factor of about 1.4
z_one = torch.tensor([0.6 * far, 0.0, -((1 - 0.36 * far**2) ** 0.5)])
z_two = torch.tensor([-0.6 * far, 0.0, -((1 - 0.36 * far**2) ** 0.5)])

# %% q8-stein wrong: the transposes are exchanged
def stein(A):
    P, B = torch.eye(len(A)), A
    for _ in range(30):
        P, B = P + B @ P @ B.T, B @ B
    return P


def factor(P):
    return math.sqrt(1 - 1 / torch.linalg.eigvalsh(P)[-1].item())

# %% q8-stein wrong: squares before it adds
def stein(A):
    P, B = torch.eye(len(A)), A
    for _ in range(30):
        B = B @ B
        P = P + B.T @ P @ B
    return P


def factor(P):
    return math.sqrt(1 - 1 / torch.linalg.eigvalsh(P)[-1].item())

# %% q8-stein wrong: no square root
def stein(A):
    P, B = torch.eye(len(A)), A
    for _ in range(30):
        P, B = P + B.T @ P @ B, B @ B
    return P


def factor(P):
    return 1 - 1 / torch.linalg.eigvalsh(P)[-1].item()

# %% q9-ball wrong: linear part only: as if the quadratic term did nothing
def safe_radius(A, g):
    return 10.0

# %% q9-ball wrong: forgets that the ball must fit into the ellipse
def safe_radius(A, g):
    P = stein(A)
    low = torch.linalg.eigvalsh(P)[0]
    k = torch.sqrt(g @ P @ g) / low
    return ((1 - factor(P)) / k).item()

# %% q9-ball wrong: far more careful than it need be
def safe_radius(A, g):
    P = stein(A)
    low, high = torch.linalg.eigvalsh(P)[[0, -1]]
    k = torch.sqrt(g @ P @ g) / low
    return (0.5 * (1 - factor(P)) / k / torch.sqrt(high)).item()

# %% q1-bounds wrong: the pair swapped -> which comes first and knows the first step only
def my_bounds(q, first_step, last_step, n):
    return q / (1 - q) * last_step, q**n / (1 - q) * first_step

# %% q1-bounds right: a tensor of two
def my_bounds(q, first_step, last_step, n):
    return torch.tensor([q**n * first_step, q * last_step]) / (1 - q)

# %% q2-enough wrong: the length of the first step is forgotten -> yours has the length `first`
n = math.ceil(math.log(eps * (1 - rate)) / math.log(rate))

# %% q2-enough right: searched, a number of PyTorch
n = torch.tensor(1)
while rate ** n.item() / (1 - rate) * first > eps:
    n = n + 1

# %% q3-rest wrong: f is evaluated twice a step -> call it once a step
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        step = (f(z) - z).norm()
        z, steps = f(z), steps + 1
        if my_bounds(q, step, step, 1)[1] <= tol:
            return z, steps

# %% q3-rest wrong: the length of the last row -> is the length Euclidean
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        new = f(z)
        step, z, steps = (new - z).norm(dim=-1).max(), new, steps + 1
        if my_bounds(q, step, step, 1)[1] <= tol:
            return z, steps

# %% q8-stein wrong: the root is forgotten -> is it the square root
def factor(P):
    return 1 - 1 / torch.linalg.eigvalsh(P)[-1].item()

# %% q8-stein wrong: the smallest eigenvalue -> and the largest eigenvalue
def factor(P):
    return math.sqrt(1 - 1 / torch.linalg.eigvalsh(P)[0].item())

# %% q9-ball wrong: the smallest eigenvalue is left out -> are both extreme eigenvalues of P in use
def safe_radius(A, g):
    P = stein(A)
    return ((1 - factor(P)) / torch.sqrt(g @ P @ g) / torch.linalg.eigvalsh(P)[-1].sqrt()).item()
