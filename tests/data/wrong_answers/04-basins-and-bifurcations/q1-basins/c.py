# counts attractors from 1
def my_basins(f, points, attractors, steps, tol):
    z = points
    for _ in range(steps):
        z = f(z)
    distance, label = torch.cdist(z, attractors).min(dim=1)
    return torch.where(distance <= tol, label + 1, -1)
