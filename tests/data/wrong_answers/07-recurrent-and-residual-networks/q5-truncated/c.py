def my_truncated(step, theta, z0, g, steps, window):
    z = z0
    for k in range(steps):
        if k == steps - window - 1:
            z = z.detach()
        z = step(z, theta)
    return torch.autograd.grad((g * z).sum(), theta)[0]
