# forgets the first state
def my_orbit(f, z0, steps):
    states = []
    z = z0
    for _ in range(steps):
        z = f(z)
        states.append(z)
    return torch.stack(states)
