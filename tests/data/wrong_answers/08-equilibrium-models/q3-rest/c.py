def my_rest(f, z0):
    z = z0
    for _ in range(20):
        J = jacobian(f, z)
        z = z + torch.linalg.solve(J - torch.eye(len(z)), z - f(z))
    spread = torch.linalg.matrix_norm(jacobian(f, z), 2)
    return z, bool(spread < 3)
