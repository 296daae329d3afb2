# the sum of the two velocities, not the average
def heun(field, dt):
    def step(z):
        here = field(z)
        return z + dt * (here + field(z + dt * here))

    return step
