# the residual alone
def my_stop(f, z0, tol, max_steps):
    z = z0
    for n in range(max_steps + 1):
        move = f(z) - z
        if n > 0 and move.norm() <= tol:
            return z, n, True
        if n < max_steps:
            z = z + move
    return z, max_steps, False
