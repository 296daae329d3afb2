# the eigenvalue that allows most decides
def damping_limit(f, z):
    mu = 1 - torch.linalg.eigvals(my_jacobian(f, z))
    return max((2 * mu.real / mu.abs() ** 2).max().item(), 0.0)
