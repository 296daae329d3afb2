def my_segment(f, z_H, z_L, x, T, n):
    z_H, z_L = z_H.detach(), z_L.detach()
    for _ in range(T):
        for _ in range(n):
            z_L = f(z_L, z_H + x)
        z_H = f(z_H, z_L)
    return z_H.detach(), z_L.detach(), z_H
