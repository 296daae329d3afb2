def my_slope(f, z, n):
    z.requires_grad_(True)
    y = z
    for _ in range(n):
        y = f(y)
    return torch.autograd.grad(y, z)[0]
