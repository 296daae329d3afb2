def my_segment(fast, slow, z_H, z_L, x, H_cycles, L_cycles):
    z_H, z_L = z_H.detach(), z_L.detach()
    with torch.no_grad():
        for tick in range(1, H_cycles * L_cycles):
            z_L = fast(z_L, z_H + x)
            if tick % L_cycles == 0:
                z_H = slow(z_H, z_L + x)
    z_L = fast(z_L, z_H + x)
    return slow(z_H, z_L + x), z_L
