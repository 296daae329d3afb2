# %% q1-basins wrong: always the nearest, however far
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    return torch.cdist(z, attractors).argmin(dim=1)

# %% q1-basins wrong: looks at the starts
def my_basins(f, points, attractors, steps, tol):
    distance, label = torch.cdist(points, attractors).min(dim=1)
    return torch.where(distance <= tol, label, -1)

# %% q1-basins wrong: counts attractors from 1
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    distance, label = torch.cdist(z, attractors).min(dim=1)
    return torch.where(distance <= tol, label + 1, -1)

# %% q2-paper wrong
r_saddle = 1 / (4 * c)
r_flip = 3 / (4 * c)

# %% q2-paper wrong
r_saddle = -1 / (4 * c)
r_flip = 1 / (2 * c)

# %% q2-paper wrong
r_saddle = -1 / (2 * c)
r_flip = 3 / (2 * c)

# %% q3-share wrong: the textbook interval
def my_share(f, starts, attractors, k, steps, tol):
    n = len(starts)
    labels = my_basins(f, starts, attractors, steps, tol)
    share = (labels == k).double().mean().item()
    spread = 1.96 * math.sqrt(share * (1 - share) / n)
    return share, share - spread, share + spread

# %% q3-share wrong: only decided starts count
def my_share(f, starts, attractors, k, steps, tol):
    labels = my_basins(f, starts, attractors, steps, tol)
    labels = labels[labels >= 0]
    n, u = len(labels), 1.96
    share = (labels == k).double().mean().item()
    middle = share + u**2 / (2 * n)
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    scale = 1 + u**2 / n
    return share, (middle - spread) / scale, (middle + spread) / scale

# %% q3-share wrong: forgets the last division
def my_share(f, starts, attractors, k, steps, tol):
    n, u = len(starts), 1.96
    labels = my_basins(f, starts, attractors, steps, tol)
    share = (labels == k).double().mean().item()
    middle = share + u**2 / (2 * n)
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    return share, middle - spread, middle + spread

# %% q4-diagram wrong: keeps the beginning
def my_bifurcation(family, knobs, z0, settle, keep):
    rows = []
    for r in knobs:
        f, z, row = family(r), torch.as_tensor(z0), []
        for _ in range(keep):
            row.append(z)
            z = f(z)
        rows.append(torch.stack(row))
    return torch.stack(rows)

# %% q4-diagram wrong: goes on where the last knob stopped
def my_bifurcation(family, knobs, z0, settle, keep):
    rows, z = [], torch.as_tensor(z0)
    for r in knobs:
        f, row = family(r), []
        for _ in range(settle):
            z = f(z)
        for _ in range(keep):
            row.append(z)
            z = f(z)
        rows.append(torch.stack(row))
    return torch.stack(rows)

# %% q4-diagram wrong: the last state, again and again
def my_bifurcation(family, knobs, z0, settle, keep):
    rows = []
    for r in knobs:
        f, z = family(r), torch.as_tensor(z0)
        for _ in range(settle):
            z = f(z)
        rows.append(z.expand(keep))
    return torch.stack(rows)

# %% q5-event wrong: decides by a norm
def my_event(family, low, high):
    zero = torch.zeros(2)
    for _ in range(60):
        r = (low + high) / 2
        J = torch.func.jacfwd(family(r))(zero)
        low, high = (r, high) if torch.linalg.matrix_norm(J, 2) < 1 else (low, r)
    return r, "plus one"

# %% q5-event wrong: forgets pairs
def my_event(family, low, high):
    zero = torch.zeros(2)
    for _ in range(60):
        r = (low + high) / 2
        leading = leading_eigenvalues(family(r), zero)[0]
        low, high = (r, high) if leading.abs() < 1 else (low, r)
    return r, "plus one" if leading.real > 0 else "minus one"

# %% q5-event wrong: stops too early
def my_event(family, low, high):
    zero = torch.zeros(2)
    for _ in range(10):
        r = (low + high) / 2
        leading = leading_eigenvalues(family(r), zero)[0]
        low, high = (r, high) if leading.abs() < 1 else (low, r)
    if leading.imag.abs() > 1e-6:
        return r, "pair"
    return r, "plus one" if leading.real > 0 else "minus one"

# %% q6-plateau wrong: the law alone
def my_eps(steps):
    return (math.pi / steps) ** 2

# %% q6-plateau wrong: forgets the square
def my_eps(steps):
    return math.pi / steps

# %% q6-plateau wrong: forgets pi
def my_eps(steps):
    return 1 / steps**2

# %% q7-stop wrong: the residual alone
def my_stop(f, z0, tol, max_steps):
    z = z0
    for n in range(max_steps + 1):
        move = f(z) - z
        if n > 0 and move.norm() <= tol:
            return z, n, True
        if n < max_steps:
            z = z + move
    return z, max_steps, False

# %% q7-stop wrong: a negative quotient is small, too
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm().item()
        if n > 0 and (m == 0 or (m != before and m / (1 - m / before) <= tol)):
            return z, n, True
        if n < max_steps:
            z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: judges by the move that led here
def my_stop(f, z0, tol, max_steps):
    z, older, before = z0, math.inf, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm().item()
        if n > 1 and (before == 0 or (before < older and before / (1 - before / older) <= tol)):
            return z, n, True
        if n < max_steps:
            z, older, before = z + move, before, m
    return z, max_steps, False

# %% q8-cutoff wrong: leaves out the starts that never arrive
def my_cutoff(times):
    times = times[times.isfinite()]
    best = math.inf, math.inf
    for T in times.unique().tolist():
        price = times.clamp(max=T).mean() / (times <= T).double().mean()
        best = min(best, (price.item(), T))
    return best[1], best[0]

# %% q8-cutoff wrong: waits for nine tenths of those that arrive, with the right price of that
def my_cutoff(times):
    T = times[times.isfinite()].quantile(0.9).item()
    price = times.clamp(max=T).mean() / (times <= T).double().mean()
    return T, price.item()

# %% q8-cutoff wrong: nothing is ever given up
def my_cutoff(times):
    return math.inf, times.mean().item()

# %% q1-basins wrong: the squared distance -> the distance is Euclidean
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    distance, label = (z.unsqueeze(1) - attractors).square().sum(-1).min(dim=1)
    return torch.where(distance <= tol, label, -1)

# %% q1-basins wrong: the first coordinate only -> the distance is Euclidean
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    distance, label = torch.cdist(z[:, :1], attractors[:, :1]).min(dim=1)
    return torch.where(distance <= tol, label, -1)

# %% q1-basins wrong: labels are floats -> a tensor of whole numbers
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    distance, label = torch.cdist(z, attractors).min(dim=1)
    return torch.where(distance <= tol, label.double(), -1.0)

# %% q1-basins wrong: one step too many -> exactly `steps` times
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps + 1):
        z = f(z)
    distance, label = torch.cdist(z, attractors).min(dim=1)
    return torch.where(distance <= tol, label, -1)

# %% q1-basins wrong: moves the points that were handed in -> has changed `points`
def my_basins(f, points, attractors, steps, tol):
    for _ in range(steps):
        points[:] = f(points)
    distance, label = torch.cdist(points, attractors).min(dim=1)
    return torch.where(distance <= tol, label, -1)

# %% q1-basins wrong: two attractors only -> any number of attractors
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    d = torch.cdist(z, attractors)
    label = torch.where(d[:, 0] <= tol, 0, -1)
    return torch.where(d[:, 1] <= tol, 1, label)

# %% q2-paper wrong: text -> not a value of type str
r_saddle, r_flip = "-1 / (4 c)", 3 / (4 * c)

# %% q2-paper right: NumPy and PyTorch numbers
import numpy

r_saddle = torch.tensor(-1 / (4 * c), requires_grad=True)
r_flip = numpy.float64(3 / (4 * c))

# %% q3-share wrong: always the right well -> for k = 0
def my_share(f, starts, attractors, k, steps, tol):
    n, u = len(starts), 1.96
    share = (my_basins(f, starts, attractors, steps, tol) == 1).double().mean().item()
    middle, scale = share + u**2 / (2 * n), 1 + u**2 / n
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    return share, (middle - spread) / scale, (middle + spread) / scale

# %% q3-share wrong: n is that of the example -> with 3 starts
def my_share(f, starts, attractors, k, steps, tol):
    n, u = 8, 1.96
    share = (my_basins(f, starts, attractors, steps, tol) == k).double().mean().item()
    middle, scale = share + u**2 / (2 * n), 1 + u**2 / n
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    return share, (middle - spread) / scale, (middle + spread) / scale

# %% q3-share wrong: the ends swapped -> the lower end of the interval comes before
def my_share(f, starts, attractors, k, steps, tol):
    n, u = len(starts), 1.96
    share = (my_basins(f, starts, attractors, steps, tol) == k).double().mean().item()
    middle, scale = share + u**2 / (2 * n), 1 + u**2 / n
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    return share, (middle + spread) / scale, (middle - spread) / scale

# %% q3-share right: in single precision, as a list
def my_share(f, starts, attractors, k, steps, tol):
    n, u = len(starts), 1.96
    share = (my_basins(f, starts, attractors, steps, tol) == k).float().mean()
    middle, scale = share + u**2 / (2 * n), 1 + u**2 / n
    spread = u * (share * (1 - share) / n + u**2 / (4 * n**2)).sqrt()
    return [share.double(), (middle - spread) / scale, (middle + spread) / scale]

# %% q4-diagram wrong: begins at the example's start -> does your function use its argument
def my_bifurcation(family, knobs, z0, settle, keep):
    return torch.stack([orbit(family(r), torch.tensor(0.3), settle + keep - 1)[settle:] for r in knobs])

# %% q4-diagram right: with the library's orbit
def my_bifurcation(family, knobs, z0, settle, keep):
    return torch.stack([orbit(family(r), z0, settle + keep - 1)[settle:] for r in knobs])

# %% q5-event wrong: the name is read at the upper end -> not at an end of the range
def my_event(family, low, high):
    name = leading_eigenvalues(family(high), torch.zeros(2))[0]
    for _ in range(60):
        r = (low + high) / 2
        stable = leading_eigenvalues(family(r), torch.zeros(2))[0].abs() < 1
        low, high = (r, high) if stable else (low, r)
    return r, "pair" if name.imag.abs() > 1e-6 else "plus one" if name.real > 0 else "minus one"

# %% q5-event wrong: the name is read at the lower end -> not at an end of the range
def my_event(family, low, high):
    name = leading_eigenvalues(family(low), torch.zeros(2))[0]
    for _ in range(60):
        r = (low + high) / 2
        stable = leading_eigenvalues(family(r), torch.zeros(2))[0].abs() < 1
        low, high = (r, high) if stable else (low, r)
    return r, "pair" if name.imag.abs() > 1e-6 else "plus one" if name.real > 0 else "minus one"

# %% q5-event wrong: takes the multipliers for proportional to r -> need not be proportional to r
def my_event(family, low, high):
    lead = leading_eigenvalues(family(1.0), torch.zeros(2))[0]
    name = "pair" if lead.imag.abs() > 1e-6 else "plus one" if lead.real > 0 else "minus one"
    return 1 / lead.abs().item(), name

# %% q5-event wrong: bisects into the wrong half -> Which half holds the event
def my_event(family, low, high):
    for _ in range(60):
        r = (low + high) / 2
        lead = leading_eigenvalues(family(r), torch.zeros(2))[0]
        low, high = (low, r) if lead.abs() < 1 else (r, high)
    return r, "pair"

# %% q5-event wrong: the name first -> the first of them, the value of r
def my_event(family, low, high):
    return "pair", 1.0

# %% q5-event wrong: bisects until nothing is left -> does every loop in it come to an end
def my_event(family, low, high):
    while high - low > 0:
        r = (low + high) / 2
        lead = leading_eigenvalues(family(r), torch.zeros(2))[0]
        low, high = (r, high) if lead.abs() < 1 else (low, r)
    return r, "pair"

# %% q6-plateau wrong: counts with eps = 0 -> does every loop in it come to an end
def my_eps(steps):
    eps = 0.0
    z, n = -0.5, 0
    while z < 0.5:
        z, n = z + z * z + eps, n + 1
    return eps

# %% q7-stop wrong: unsettled, the start comes back -> return the last state
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm().item()
        if n > 0 and (m == 0 or (m < before and m / (1 - m / before) <= tol)):
            return z, n, True
        z, before = z + move, m
    return z0, max_steps, False

# %% q7-stop wrong: unsettled, one step too far -> return the last state
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm().item()
        if n > 0 and (m == 0 or (m < before and m / (1 - m / before) <= tol)):
            return z, n, True
        z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: never tries the last n -> is met with max_steps
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps):
        move = f(z) - z
        m = move.norm().item()
        if n > 0 and (m == 0 or (m < before and m / (1 - m / before) <= tol)):
            return z, n, True
        z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: gives up once far away -> and you say that it does not
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm().item()
        if m > 1e4:
            return z, max_steps, False
        if n > 0 and (m == 0 or (m < before and m / (1 - m / before) <= tol)):
            return z, n, True
        if n < max_steps:
            z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: the spectral norm -> Is the length Euclidean
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = torch.linalg.norm(move, 2).item()
        if n > 0 and (m == 0 or (m < before and m / (1 - m / before) <= tol)):
            return z, n, True
        if n < max_steps:
            z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: the norm of rows -> `my_stop` raised
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm(dim=-1).item()
        if n > 0 and (m == 0 or (m < before and m / (1 - m / before) <= tol)):
            return z, n, True
        if n < max_steps:
            z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: the modulus of 1 - q -> there q = 2
def my_stop(f, z0, tol, max_steps):
    z, before = z0, math.inf
    for n in range(max_steps + 1):
        move = f(z) - z
        m = move.norm().item()
        if n > 0 and (m == 0 or m / abs(1 - m / before) <= tol):
            return z, n, True
        if n < max_steps:
            z, before = z + move, m
    return z, max_steps, False

# %% q7-stop wrong: the number of steps first -> the first of them, the state
def my_stop(f, z0, tol, max_steps):
    return 3, z0, False

# %% q7-stop wrong: NaN -> there is a NaN in it
def my_stop(f, z0, tol, max_steps):
    return z0, float("nan"), False

# %% q7-stop wrong: steps in place -> has changed `z0`
def my_stop(f, z0, tol, max_steps):
    for n in range(max_steps):
        z0 += f(z0) - z0
    return z0, max_steps, False

# %% q8-cutoff wrong: whole numbers only -> no whole numbers
def my_cutoff(times):
    best = math.inf, math.inf
    for T in range(1, 400):
        if (times <= T).any():
            price = times.clamp(max=T).mean() / (times <= T).double().mean()
            best = min(best, (price.item(), float(T)))
    return best[1], best[0]

# %% q8-cutoff wrong: the first local minimum -> falls, rises and falls again
def my_cutoff(times):
    best = math.inf, math.inf
    for T in times[times.isfinite()].unique().tolist():
        price = (times.clamp(max=T).mean() / (times <= T).double().mean()).item()
        if price > best[0]:
            break
        best = price, T
    return best[1], best[0]

# %% q8-cutoff wrong: the price first -> the cutoff comes first
def my_cutoff(times):
    best = math.inf, math.inf
    for T in times[times.isfinite()].unique().tolist():
        price = times.clamp(max=T).mean() / (times <= T).double().mean()
        best = min(best, (price.item(), T))
    return best

# %% q8-cutoff right: in single precision, as tensors
def my_cutoff(times):
    best = torch.tensor(math.inf), torch.tensor(math.inf)
    for T in times[times.isfinite()].unique():
        price = times.clamp(max=T).float().mean() / (times <= T).float().mean()
        best = min(best, (price, T))
    return torch.stack((best[1], best[0]))
