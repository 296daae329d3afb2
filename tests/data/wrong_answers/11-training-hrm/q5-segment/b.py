# one fast step too few
def my_segment(model, z_H, z_L, x):
    c = model.config
    with torch.no_grad():
        for _ in range(c.H_cycles - 1):
            for _ in range(c.L_cycles):
                z_L = model.L_network(z_L, z_H, x)
            z_H = model.H_network(z_H, z_L)
        for _ in range(c.L_cycles - 2):
            z_L = model.L_network(z_L, z_H, x)
    z_L = model.L_network(z_L, z_H, x)
    return model.H_network(z_H, z_L), z_L
