def my_rest(f, z0):
    z = z0
    for _ in range(5_000):
        z = f(z)
    return z, spectral_radius(f, z) < 1
