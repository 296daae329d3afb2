# applies f twice in each step
def rest(f, z0, q, tol):
    z, steps = z0, 0
    while True:
        step, z, steps = (f(z) - z).norm(), f(z), steps + 1
        if my_bounds(q, step, step, 1)[1] <= tol:
            return z, steps
