def repaired(model, state, inputs):
    c, rope = model.config, (model.rope_cos, model.rope_sin)

    def norm(u):
        return u * torch.rsqrt(u.square().mean(-1, keepdim=True) + 1e-5)

    def network(blocks, z, injection):
        v = z + injection
        for block in blocks:
            v = norm(v + block.mix(v, rope))
            v = norm(v + block.mlp(v))
        return v

    x = model.embed(inputs)
    z_H, z_L = (z.detach() for z in state)
    with torch.no_grad():
        for i in range(c.H_cycles):
            for j in range(c.L_cycles):
                if not (i == c.H_cycles - 1 and j == c.L_cycles - 1):
                    z_L = network(model.L_layers, z_L, z_H + x)
            if i < c.H_cycles - 1:
                z_H = network(model.H_layers, z_H, z_L)
    z_L = network(model.L_layers, z_L, z_H + x).detach()
    z_H = network(model.H_layers, z_H, z_L)
    return z_H.detach(), z_L.detach(), model.lm_head(z_H)
