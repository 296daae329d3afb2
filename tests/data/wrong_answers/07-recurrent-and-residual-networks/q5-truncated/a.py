def my_truncated(step, theta, z0, g, steps, window):
    z = z0
    for k in range(steps):
        z = step(z.detach(), theta)
    return torch.autograd.grad((g * z).sum(), theta)[0]
