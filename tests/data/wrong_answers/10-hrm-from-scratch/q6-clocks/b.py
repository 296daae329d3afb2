def my_segment(fast, slow, z_H, z_L, x, H_cycles, L_cycles):
    z_H, z_L = z_H.detach(), z_L.detach()
    for _ in range(H_cycles):
        for _ in range(L_cycles):
            z_L = fast(z_L, z_H + x)
        z_H = slow(z_H, z_L)
    return z_H, z_L
