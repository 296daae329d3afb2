# backpropagates through everything
def my_segment(model, z_H, z_L, x):
    for _ in range(model.config.H_cycles):
        for _ in range(model.config.L_cycles):
            z_L = model.L_network(z_L, z_H, x)
        z_H = model.H_network(z_H, z_L)
    return z_H, z_L
