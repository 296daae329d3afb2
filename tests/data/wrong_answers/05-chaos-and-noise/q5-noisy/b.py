# the push does not shrink
def my_noisy_orbit(field, sigma, h, z0, steps, generator):
    states = [z0]
    for _ in range(steps):
        z = states[-1]
        push = torch.randn(z.shape, generator=generator)
        states.append(z + h * field(z) + sigma * push)
    return torch.stack(states)
