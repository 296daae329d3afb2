# does not leave out the pairs (i, i)
def seen(f, points, p):
    gaps = points[:, None] - points[None, :]
    images = f(points)[:, None] - f(points)[None, :]
    ratios = torch.linalg.vector_norm(images, p, dim=-1) / torch.linalg.vector_norm(
        gaps, p, dim=-1
    )
    return ratios.max().item()


def certified(W, p):
    return torch.linalg.matrix_norm(W, p).item()
