# rows and columns swapped
def my_jacobian(f, z):
    h = 1e-5
    return torch.stack([(f(z + h * e) - f(z - h * e)) / (2 * h) for e in torch.eye(len(z))])
