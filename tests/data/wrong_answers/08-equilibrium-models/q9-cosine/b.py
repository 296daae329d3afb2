def my_cosine(model, inputs, labels, recorded, cycles):
    weights = [p for name, p in model.named_parameters() if "layers" in name]
    gradients = []
    for last in (recorded, cycles):
        x = model.embed(inputs).detach()
        z_H, z_L = model.initial_state(1)
        for n in range(cycles):
            if n < cycles - last:
                z_H.detach(), z_L.detach()
            z_H, z_L = model.cycle(z_H, z_L, x)
        loss = stablemax_cross_entropy(model.read_out(z_H).logits, labels).mean()
        parts = torch.autograd.grad(loss, weights)
        gradients.append(torch.cat([part.flatten() for part in parts]))
    return cosine_similarity(*gradients, dim=0).item()
