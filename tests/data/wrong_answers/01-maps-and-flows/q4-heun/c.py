# the midpoint method, another method of order 2
def heun(field, dt):
    def step(z):
        return z + dt * field(z + dt / 2 * field(z))

    return step
