def my_slope(f, z, n):
    return n * torch.func.grad(f)(z)
