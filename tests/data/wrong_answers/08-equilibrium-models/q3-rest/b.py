def my_rest(f, z0):
    z = z0
    for _ in range(20):
        J = jacobian(f, z)
        z = z + torch.linalg.solve(J - torch.eye(len(z)), z - f(z))
    return z, bool((f(z) - z).norm() < 1e-9)
