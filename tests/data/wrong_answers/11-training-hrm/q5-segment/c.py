# the slow state goes first
def my_segment(model, z_H, z_L, x):
    c = model.config
    with torch.no_grad():
        for _ in range(c.H_cycles - 1):
            z_H = model.H_network(z_H, z_L)
            for _ in range(c.L_cycles):
                z_L = model.L_network(z_L, z_H, x)
        for _ in range(c.L_cycles - 1):
            z_L = model.L_network(z_L, z_H, x)
    z_L = model.L_network(z_L, z_H, x)
    z_H = model.H_network(z_H, z_L)
    return z_H, z_L
