# looks for the greatest p
def my_period(f, z0):
    states = my_orbit(f, z0, 3_000)
    for p in range(16, 0, -1):
        if (states[-1] - states[-1 - p]).norm() <= 1e-6:
            return p
    return 0
