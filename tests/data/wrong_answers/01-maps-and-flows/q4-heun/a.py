# Euler's step: both velocities are those at the start
def heun(field, dt):
    def step(z):
        return z + dt / 2 * (field(z) + field(z))

    return step
