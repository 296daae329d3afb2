# only decided starts count
def my_share(f, starts, attractors, k, steps, tol):
    labels = my_basins(f, starts, attractors, steps, tol)
    labels = labels[labels >= 0]
    n, u = len(labels), 1.96
    share = (labels == k).double().mean().item()
    middle = share + u**2 / (2 * n)
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    scale = 1 + u**2 / n
    return share, (middle - spread) / scale, (middle + spread) / scale
