# %% q1-orbit wrong: forgets the first state
def my_orbit(f, z0, steps):
    states = []
    z = z0
    for _ in range(steps):
        z = f(z)
        states.append(z)
    return torch.stack(states)

# %% q1-orbit wrong: returns a list
def my_orbit(f, z0, steps):
    states = [z0]
    for _ in range(steps):
        states.append(f(states[-1]))
    return states

# %% q1-orbit wrong: applies f to the first state each time
def my_orbit(f, z0, steps):
    states = [z0]
    for _ in range(steps):
        states.append(f(z0))
    return torch.stack(states)

# %% q2-fixed-points wrong: 1 / r in the place of 1 - 1 / r
fixed_points = [0, 1 / r]
slopes = [r, 2 - r]

# %% q2-fixed-points wrong: one fixed point, given twice
fixed_points = [1 - 1 / r, 1 - 1 / r]
slopes = [2 - r, 2 - r]

# %% q2-fixed-points wrong: forgets the inner derivative: r (1 - z) in the place of r (1 - 2 z)
fixed_points = [0, 1 - 1 / r]
slopes = [r, 1]

# %% q3-period wrong: compares with the start of the orbit
def my_period(f, z0):
    states = my_orbit(f, z0, 3_000)
    for p in range(1, 17):
        if (states[p] - states[0]).norm() <= 1e-6:
            return p
    return 0

# %% q3-period wrong: looks for the greatest p
def my_period(f, z0):
    states = my_orbit(f, z0, 3_000)
    for p in range(16, 0, -1):
        if (states[-1] - states[-1 - p]).norm() <= 1e-6:
            return p
    return 0

# %% q3-period wrong: always takes the best p, however bad it is
def my_period(f, z0):
    states = my_orbit(f, z0, 3_000)
    distances = [(states[-1] - states[-1 - p]).norm().item() for p in range(1, 17)]
    for p, distance in enumerate(distances, start=1):
        if distance <= max(1e-6, min(distances)):
            return p

# %% q4-heun wrong: Euler's step: both velocities are those at the start
def heun(field, dt):
    def step(z):
        return z + dt / 2 * (field(z) + field(z))

    return step

# %% q4-heun wrong: the sum of the two velocities, not the average
def heun(field, dt):
    def step(z):
        here = field(z)
        return z + dt * (here + field(z + dt * here))

    return step

# %% q4-heun wrong: the midpoint method, another method of order 2
def heun(field, dt):
    def step(z):
        return z + dt * field(z + dt / 2 * field(z))

    return step

# %% q5-stability-limit wrong: a formula that is right for Euler only
def stability_limit(stepper, lam):
    return 2 / lam

# %% q5-stability-limit wrong: stops after too few rounds
def stability_limit(stepper, lam):
    small, large = 0.01 / lam, 10 / lam
    for _ in range(10):
        middle = (small + large) / 2
        if my_orbit(stepper(lambda z: -lam * z, middle), torch.tensor(1.0), 200)[-1].abs() < 1:
            small = middle
        else:
            large = middle
    return small

# %% q5-stability-limit wrong: returns h times lambda
def stability_limit(stepper, lam):
    small, large = 0.01 / lam, 10 / lam
    for _ in range(30):
        middle = (small + large) / 2
        if my_orbit(stepper(lambda z: -lam * z, middle), torch.tensor(1.0), 200)[-1].abs() < 1:
            small = middle
        else:
            large = middle
    return small * lam

# %% q6-swapped-pair wrong: looks at the ends only
def swapped_pair(f, low, high):
    if f(torch.tensor(low)) >= f(torch.tensor(high)):
        return low, high
    return ()

# %% q6-swapped-pair wrong: returns the images in the place of the points
def swapped_pair(f, low, high):
    images = f(torch.linspace(low, high, 1001))
    for left, right in zip(images[:-1], images[1:], strict=True):
        if left >= right:
            return left.item(), right.item()
    return ()

# %% q6-swapped-pair wrong: returns the flattest pair even if it is not swapped
def swapped_pair(f, low, high):
    points = torch.linspace(low, high, 1001)
    least = f(points).diff().argmin()
    return points[least].item(), points[least + 1].item()

# %% q7-matrices wrong: the matrices of the chapter, with zeros
A = torch.tensor([[0.0, 5.0], [0.0, 0.0]])
B = torch.tensor([[0.0, 0.0], [5.0, 0.0]])

# %% q7-matrices wrong: the small entries are too large
A = torch.tensor([[0.5, 5.0], [0.2, 0.5]])
B = A.T

# %% q7-matrices wrong: symmetric matrices: here the product cannot be unstable
A = torch.tensor([[0.5, 0.3], [0.3, 0.5]])
B = torch.tensor([[0.4, -0.4], [-0.4, 0.4]])

# %% q8-change wrong: keeps ends and order, but does not translate
def change(x):
    return x**2

# %% q8-change wrong: the angle is twice too large: folds the interval once more
def change(x):
    return torch.sin(math.pi * x) ** 2

# %% q8-change wrong: goes up and down again, with the right ends
def change(x):
    return torch.sin(2.5 * math.pi * x) ** 2
