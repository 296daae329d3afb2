def my_segment(f, z_H, z_L, x, T, n):
    z_H, z_L = z_H.detach(), z_L.detach()
    for k in range(T):
        with torch.set_grad_enabled(k == T - 1):
            for _ in range(n):
                z_L = f(z_L, z_H + x)
            z_H = f(z_H, z_L)
    return z_H, z_L, z_H
