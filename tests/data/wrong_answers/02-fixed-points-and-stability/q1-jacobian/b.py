# one-sided differences
def my_jacobian(f, z):
    h = 1e-5
    return torch.stack([(f(z + h * e) - f(z)) / h for e in torch.eye(len(z))], dim=1)
