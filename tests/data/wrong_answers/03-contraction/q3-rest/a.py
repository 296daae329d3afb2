# stops at a short step
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        new = f(z)
        step, z, steps = (new - z).norm(), new, steps + 1
        if step <= tol:
            return z, steps
