# forgets that the ball must fit into the ellipse
def safe_radius(A, g):
    P = stein(A)
    low = torch.linalg.eigvalsh(P)[0]
    k = torch.sqrt(g @ P @ g) / low
    return ((1 - factor(P)) / k).item()
