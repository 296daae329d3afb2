# judges the map like a flow
def my_fixed_points(f, starts):
    eye, points = torch.eye(starts.shape[1]), []
    for z in starts:
        for _ in range(50):
            z = z + torch.linalg.solve(my_jacobian(f, z) - eye, z - f(z))
        if (f(z) - z).norm() <= 1e-8 and all((z - p).norm() >= 1e-5 for p in points):
            points.append(z)
    stable = [bool(torch.linalg.eigvals(my_jacobian(f, z)).real.max() < 1) for z in points]
    return torch.stack(points), stable
