# applies f to the first state each time
def my_orbit(f, z0, steps):
    states = [z0]
    for _ in range(steps):
        states.append(f(z0))
    return torch.stack(states)
