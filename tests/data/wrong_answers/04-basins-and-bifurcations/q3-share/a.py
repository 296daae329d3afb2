# the textbook interval
def my_share(f, starts, attractors, k, steps, tol):
    n = len(starts)
    labels = my_basins(f, starts, attractors, steps, tol)
    share = (labels == k).double().mean().item()
    spread = 1.96 * math.sqrt(share * (1 - share) / n)
    return share, share - spread, share + spread
