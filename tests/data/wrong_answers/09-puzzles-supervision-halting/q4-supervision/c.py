# a mean instead of a sum
def my_supervision(f, theta, z0, y, segments):
    theta = theta.detach().clone().requires_grad_(True)
    z, loss = z0, 0.0
    for _ in range(segments):
        z = f(theta, z.detach())
        loss = loss + (z - y).square().mean()
    return torch.autograd.grad(loss, theta)[0]
