# %% q1-jacobian wrong: rows and columns swapped
def my_jacobian(f, z):
    h = 1e-5
    return torch.stack([(f(z + h * e) - f(z - h * e)) / (2 * h) for e in torch.eye(len(z))])

# %% q1-jacobian wrong: one-sided differences
def my_jacobian(f, z):
    h = 1e-5
    return torch.stack([(f(z + h * e) - f(z)) / h for e in torch.eye(len(z))], dim=1)

# %% q1-jacobian wrong: changes the state it was given
def my_jacobian(f, z):
    h, columns = 1e-5, []
    for j in range(len(z)):
        z[j] += h
        columns.append((f(z) - f(z - h * torch.eye(len(z))[j])) / h)
    return torch.stack(columns, dim=1)

# %% q2-matrix wrong: a zero in the matrix
A = torch.tensor([[trace, 1.0], [-4.0, 0.0]])

# %% q2-matrix wrong: stable in both readings
A = torch.tensor([[trace / 2, 0.1], [-0.1, trace / 2]])

# %% q2-matrix wrong: a saddle of the flow
A = torch.tensor([[trace / 2, 3.0], [3.0, trace / 2]])

# %% q3-kind wrong: judges maps like flows
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if D < 0:
        return "saddle"
    side = "stable" if T < 0 else "unstable"
    return f"{side} focus" if T**2 < 4 * D else f"{side} node"

# %% q3-kind wrong: the parabola upside down
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if D < 0:
        return "saddle"
    side = "stable" if T < 0 else "unstable"
    return f"{side} focus" if T**2 > 4 * D else f"{side} node"

# %% q3-kind wrong: a map is called a saddle when its determinant is negative
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if D < 0:
        return "saddle"
    stable = T < 0 if reading == "flow" else abs(T) < 1 + D < 2
    side = "stable" if stable else "unstable"
    return f"{side} focus" if T**2 < 4 * D else f"{side} node"

# %% q4-damping wrong: takes the modulus for the real part
def damping_limit(f, z):
    values = torch.linalg.eigvals(my_jacobian(f, z))
    return 2 / (1 + values.abs().max().item()) if values.real.max() < 1 else 0.0

# %% q4-damping wrong: the eigenvalue that allows most decides
def damping_limit(f, z):
    mu = 1 - torch.linalg.eigvals(my_jacobian(f, z))
    return max((2 * mu.real / mu.abs() ** 2).max().item(), 0.0)

# %% q4-damping wrong: a negative step where none helps
def damping_limit(f, z):
    mu = 1 - torch.linalg.eigvals(my_jacobian(f, z))
    return (2 * mu.real / mu.abs() ** 2).min().item()

# %% q5-matrix wrong: a turn: large modulus, real parts zero
J = torch.tensor([[0.02, 9.0, 0.02], [-9.0, 0.02, 0.02], [0.02, 0.02, -0.04]])

# %% q5-matrix wrong: the diagonal does not cancel
J = torch.diag(torch.tensor([9.0, 0.1, 0.1])) + 0.05

# %% q5-matrix wrong: not unstable enough
J = torch.diag(torch.tensor([1.2, -0.6, -0.6])) + 0.05 - 0.05 * torch.eye(3)

# %% q6-cycle wrong: the slow state does not see itself
def cycle_matrix(J_H, J_L, n):
    P = torch.linalg.matrix_power(J_L, n)
    S = sum(torch.linalg.matrix_power(J_L, i) for i in range(1, n + 1))
    return torch.cat((torch.cat((J_H @ S, J_H @ P), 1), torch.cat((S, P), 1)))

# %% q6-cycle wrong: the slow update sees the old fast state
def cycle_matrix(J_H, J_L, n):
    P = torch.linalg.matrix_power(J_L, n)
    S = sum(torch.linalg.matrix_power(J_L, i) for i in range(1, n + 1))
    return torch.cat((torch.cat((J_H, J_H), 1), torch.cat((S, P), 1)))

# %% q6-cycle wrong: the fast state first
def cycle_matrix(J_H, J_L, n):
    P = torch.linalg.matrix_power(J_L, n)
    S = sum(torch.linalg.matrix_power(J_L, i) for i in range(1, n + 1))
    return torch.cat((torch.cat((P, S), 1), torch.cat((J_H @ P, J_H + J_H @ S), 1)))

# %% q7-halves wrong: the wrong order
def reduced_map(J_H, J_L):
    return torch.linalg.inv(torch.eye(len(J_L)) - J_L) @ J_H


L, H = torch.zeros(8, 8), torch.zeros(8, 8)
L[0, 1], H[1, 0] = 4.0, 0.3 * wild

# %% q7-halves wrong: the fast state alone, not the sum
def reduced_map(J_H, J_L):
    return J_H @ torch.linalg.inv(torch.eye(len(J_L)) - J_L) @ J_L


L, H = torch.zeros(8, 8), torch.zeros(8, 8)
L[0, 1], H[1, 0] = 4.0, 0.3 * wild

# %% q7-halves wrong: halves that are not tame
def reduced_map(J_H, J_L):
    return J_H @ torch.linalg.inv(torch.eye(len(J_L)) - J_L)


L, H = 0.9 * torch.eye(8), 0.95 * torch.eye(8)

# %% q8-search wrong: iterates, and so finds attracting points only
def my_fixed_points(f, starts):
    points = []
    for z in starts:
        for _ in range(500):
            z = f(z)
        if (f(z) - z).norm() <= 1e-8 and all((z - p).norm() >= 1e-5 for p in points):
            points.append(z)
    return torch.stack(points), [True] * len(points)

# %% q8-search wrong: does not merge
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        for _ in range(50):
            z = z + torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if (f(z) - z).norm() <= 1e-8:
            points.append(z)
    stable = [bool(torch.linalg.eigvals(my_jacobian(f, z)).abs().max() < 1) for z in points]
    return torch.stack(points), stable

# %% q8-search wrong: judges the map like a flow
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        for _ in range(50):
            z = z + torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if (f(z) - z).norm() <= 1e-8 and all((z - p).norm() >= 1e-5 for p in points):
            points.append(z)
    stable = [bool(torch.linalg.eigvals(my_jacobian(f, z)).real.max() < 1) for z in points]
    return torch.stack(points), stable

# %% q1-jacobian wrong: h much too small -> is your h 1e-5
def my_jacobian(f, z):
    h = 1e-8
    columns = [(f(z + h * e) - f(z - h * e)) / (2 * h) for e in torch.eye(len(z))]
    return torch.stack(columns, dim=1)

# %% q1-jacobian wrong: h too large -> is your h 1e-5
def my_jacobian(f, z):
    h = 1e-3
    columns = [(f(z + h * e) - f(z - h * e)) / (2 * h) for e in torch.eye(len(z))]
    return torch.stack(columns, dim=1)

# %% q1-jacobian wrong: by automatic differentiation -> not a derivative from elsewhere
def my_jacobian(f, z):
    return torch.func.jacfwd(f)(z)

# %% q1-jacobian right: column by column into a matrix of zeros
def my_jacobian(f, z):
    J = torch.zeros(len(z), len(z))
    for j in range(len(z)):
        up, down = z.clone(), z.clone()
        up[j] += 1e-5
        down[j] -= 1e-5
        J[:, j] = (f(up) - f(down)) / 2e-5
    return J

# %% q2-matrix wrong: the determinant is exactly 1 -> the determinant is too small
b = (1 - trace**2 / 4) ** 0.5
A = torch.tensor([[trace / 2, b], [-b, trace / 2]])

# %% q2-matrix wrong: text -> not a value of type str
A = "[[0, 1], [1, 0]]"

# %% q2-matrix right: a list of tensors that carry gradients
A = [torch.tensor([trace / 2, 1.5], requires_grad=True), torch.tensor([-1.5, trace / 2])]

# %% q2-matrix right: in single precision
A = torch.tensor([[trace / 3, 2.5], [-2.5, 2 * trace / 3]], dtype=torch.float32)

# %% q3-kind wrong: a saddle of a map only where +1 lies between -> a map: saddle or not
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if T**2 < 4 * D:
        return "stable focus" if (T < 0 if reading == "flow" else D < 1) else "unstable focus"
    if (D if reading == "flow" else 1 - T + D) < 0:
        return "saddle"
    if reading == "flow":
        return "stable node" if T < 0 else "unstable node"
    return "stable node" if abs(D) < 1 and 1 + T + D > 0 else "unstable node"

# %% q3-kind wrong: a focus of a map is stable for a small trace -> a map: stable or not
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if reading == "flow":
        stable, saddle = T < 0, D < 0
    else:
        ends = 1 - T + D, 1 + T + D
        stable = T.abs() < 1 if T**2 < 4 * D else (min(ends) > 0 and abs(D) < 1)
        saddle = (ends[0] > 0) != (ends[1] > 0)
    if T**2 < 4 * D:
        return "stable focus" if stable else "unstable focus"
    return "saddle" if saddle else "stable node" if stable else "unstable node"

# %% q3-kind wrong: a wrong limit for the determinant -> a map: stable or not
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if reading == "flow":
        stable, saddle = T < 0, D < 0
    else:
        ends = 1 - T + D, 1 + T + D
        stable = D < 1.2 if T**2 < 4 * D else (min(ends) > 0 and abs(D) < 1)
        saddle = (ends[0] > 0) != (ends[1] > 0)
    if T**2 < 4 * D:
        return "stable focus" if stable else "unstable focus"
    return "saddle" if saddle else "stable node" if stable else "unstable node"

# %% q3-kind wrong: by eigenvalues -> use the trace and the determinant only
def my_kind(A, reading):
    values = torch.linalg.eigvals(A)
    return "stable node" if values.abs().max() < 1 else "saddle"

# %% q4-damping wrong: capped at 1 -> steps longer than 1 are allowed
def damping_limit(f, z):
    mu = 1 - torch.linalg.eigvals(my_jacobian(f, z))
    return min(1.0, max((2 * mu.real / mu.abs() ** 2).min().item(), 0.0))

# %% q4-damping wrong: the first eigenvalue only -> all of them have to agree
def damping_limit(f, z):
    mu = 1 - torch.linalg.eigvals(my_jacobian(f, z))
    return max((2 * mu.real / mu.abs() ** 2)[0].item(), 0.0)

# %% q4-damping right: a tensor comes back
def damping_limit(f, z):
    mu = 1 - torch.linalg.eigvals(my_jacobian(f, z))
    return (2 * mu.real / mu.abs() ** 2).min().clamp(min=0)

# %% q5-matrix wrong: forgets that 1 is taken off -> it is that of J, less 1
x = target + 0.5
J = torch.diag(torch.tensor([x, -x / 2, -x / 2])) + 0.01
J = J - 0.01 * torch.eye(3)

# %% q5-matrix wrong: ragged -> not a value of type list
J = [[1.0, 2.0, 3.0], [1.0, 2.0], [1.0, 1.0, 1.0]]

# %% q5-matrix wrong: infinite -> the check can't work with your answer
J = torch.full((3, 3), 1.0)
J[2, 2] = -2.0
J[0, 1] = torch.inf

# %% q6-cycle wrong: transposed -> transposed
def cycle_matrix(J_H, J_L, n):
    P = torch.linalg.matrix_power(J_L, n)
    S = sum(torch.linalg.matrix_power(J_L, i) for i in range(1, n + 1))
    slow = torch.cat((J_H + J_H @ S, J_H @ P), dim=1)
    return torch.cat((slow, torch.cat((S, P), dim=1))).T

# %% q6-cycle wrong: always three rows -> `cycle_matrix` raised
def cycle_matrix(J_H, J_L, n):
    P, S = torch.eye(3), torch.zeros(3, 3)
    for _ in range(n):
        P = J_L @ P
        S = S + P
    slow = torch.cat((J_H + J_H @ S, J_H @ P), dim=1)
    return torch.cat((slow, torch.cat((S, P), dim=1)))

# %% q7-halves wrong: a matrix of NaN -> there is a NaN in it
H = torch.full((8, 8), torch.nan)

# %% q8-search wrong: steps in place, so the starts change -> has changed `starts`
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        for _ in range(50):
            z += torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if (f(z) - z).norm() <= 1e-8 and all((z - p).norm() >= 1e-5 for p in points):
            points.append(z.clone())
    return torch.stack(points), [bool(torch.linalg.eigvals(my_jacobian(f, z)).abs().max() < 1) for z in points]

# %% q8-search wrong: divides by the diagonal -> stack expects a non-empty
def my_fixed_points(f, starts):
    points = []
    for z in starts:
        for _ in range(50):
            z = z + (z - f(z)) / (my_jacobian(f, z).diagonal() - 1)
        if (f(z) - z).norm() <= 1e-8 and all((z - p).norm() >= 1e-5 for p in points):
            points.append(z)
    return torch.stack(points), [bool(torch.linalg.eigvals(my_jacobian(f, z)).abs().max() < 1) for z in points]

# %% q8-search wrong: keeps every end -> does not rest
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        for _ in range(50):
            if (z - f(z)).norm() > 1e-12:
                z = z + torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if all((z - p).norm() >= 1e-5 for p in points):
            points.append(z)
    return torch.stack(points), [bool(torch.linalg.eigvals(my_jacobian(f, z)).abs().max() < 1) for z in points]

# %% q8-search wrong: without a limit of steps -> does every loop in it come to an end
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        while (z - f(z)).norm() > 1e-12:
            z = z + torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if all((z - p).norm() >= 1e-5 for p in points):
            points.append(z)
    return torch.stack(points), [False] * len(points)

# %% q8-search wrong: the verdicts first -> must have the shape [k,
def my_fixed_points(f, starts):
    return [True], torch.zeros(1, starts.shape[1])

# %% q8-search wrong: one verdict for all -> the list of verdicts must have the shape
def my_fixed_points(f, starts):
    return fixed_points(f, starts).z, True

# %% q8-search right: NumPy arrays and verdicts
def my_fixed_points(f, starts):
    found = fixed_points(f, starts)
    return found.z.numpy(), found.stable.numpy()
