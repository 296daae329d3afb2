# judges by the move that led here
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
