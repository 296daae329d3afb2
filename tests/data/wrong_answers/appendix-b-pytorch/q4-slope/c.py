def my_slope(f, z, n):
    y = f(z)

    def many(z):
        z = f(z)
        for _ in range(n - 1):
            z = f(z)
        return z

    return torch.func.grad(many)(z)
