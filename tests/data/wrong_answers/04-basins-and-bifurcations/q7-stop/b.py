# a negative quotient is small, too
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
