def my_cycle(f, z_H, z_L, x, n):
    return suspect(f, z_H, z_L, x, n)
