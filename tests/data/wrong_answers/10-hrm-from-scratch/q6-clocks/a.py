def my_segment(fast, slow, z_H, z_L, x, H_cycles, L_cycles):
    z_H, z_L = z_H.detach(), z_L.detach()
    with torch.no_grad():
        for _ in range(H_cycles - 1):
            for _ in range(L_cycles):
                z_L = fast(z_L, z_H + x)
            z_H = slow(z_H, z_L)
        for _ in range(L_cycles):
            z_L = fast(z_L, z_H + x)
    z_L = fast(z_L, z_H + x)
    return slow(z_H, z_L), z_L
