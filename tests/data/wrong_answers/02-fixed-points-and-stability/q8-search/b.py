# does not merge
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        for _ in range(50):
            z = z + torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if (f(z) - z).norm() <= 1e-8:
            points.append(z)
    stable = [bool(torch.linalg.eigvals(my_jacobian(f, z)).abs().max() < 1) for z in points]
    return torch.stack(points), stable
