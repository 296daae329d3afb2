def my_truncated(r, z0, steps, recorded):
    r = torch.tensor(r, requires_grad=True)
    z = torch.tensor(z0)
    for step in range(steps):
        z = z.detach()
        z = r * z * (1 - z)
    z.backward()
    return r.grad.item()
