# compares with the start of the orbit
def my_period(f, z0):
    states = my_orbit(f, z0, 3_000)
    for p in range(1, 17):
        if (states[p] - states[0]).norm() <= 1e-6:
            return p
    return 0
