# forgets the last division
def my_share(f, starts, attractors, k, steps, tol):
    n, u = len(starts), 1.96
    labels = my_basins(f, starts, attractors, steps, tol)
    share = (labels == k).double().mean().item()
    middle = share + u**2 / (2 * n)
    spread = u * math.sqrt(share * (1 - share) / n + u**2 / (4 * n**2))
    return share, middle - spread, middle + spread
