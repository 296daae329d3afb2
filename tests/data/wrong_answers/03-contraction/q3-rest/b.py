# waits too long: the bound for the state before
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        new = f(z)
        step, z, steps = (new - z).norm(), new, steps + 1
        if step / (1 - q) <= tol:
            return z, steps
