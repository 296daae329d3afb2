# looks at pairs of neighbours in the list only
def seen(f, points, p):
    before = torch.linalg.vector_norm(points.diff(dim=0), p, dim=-1)
    after = torch.linalg.vector_norm(f(points).diff(dim=0), p, dim=-1)
    return (after / before).max().item()


def certified(W, p):
    return torch.linalg.matrix_norm(W, p).item()
