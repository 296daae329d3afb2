# every pair twice
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    box = row // h * h + column // w
    share = sum(u[:, None] == u[None] for u in (row, column, box)) > 0
    share = share & ~torch.eye(side**2, dtype=torch.bool)
    return (share & (z[:, :, None] == z[:, None, :])).sum((1, 2))
