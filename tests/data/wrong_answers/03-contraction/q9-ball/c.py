# far more careful than it need be
def safe_radius(A, g):
    P = stein(A)
    low, high = torch.linalg.eigvalsh(P)[[0, -1]]
    k = torch.sqrt(g @ P @ g) / low
    return (0.5 * (1 - factor(P)) / k / torch.sqrt(high)).item()
