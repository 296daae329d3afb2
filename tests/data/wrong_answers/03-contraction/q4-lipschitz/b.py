# the largest entry in the place of an operator norm
def seen(f, points, p):
    i, j = torch.triu_indices(len(points), len(points), offset=1)
    images = f(points)
    before = torch.linalg.vector_norm(points[i] - points[j], p, dim=-1)
    after = torch.linalg.vector_norm(images[i] - images[j], p, dim=-1)
    return (after / before).max().item()


def certified(W, p):
    return W.abs().max().item()
