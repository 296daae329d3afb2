# forgets the boxes
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    share = sum(u[:, None] == u[None] for u in (row, column)) > 0
    return (share.triu(1) & (z[:, :, None] == z[:, None, :])).sum((1, 2))
