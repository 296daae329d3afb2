def my_truncated(r, z0, steps, recorded):
    r = torch.tensor(r, requires_grad=True)
    z = torch.tensor(z0)
    for _ in range(steps):
        z = r * z * (1 - z)
    z.backward()
    return r.grad.item()
