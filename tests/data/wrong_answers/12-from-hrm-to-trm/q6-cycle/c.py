def my_cycle(f, z_H, z_L, x, n):
    for _ in range(n - 1):
        z_L = f(z_L, z_H + x)
    return f(z_H, z_L), z_L
