# adds up rows, columns and boxes
def my_clashes(z, h, w):
    side = h * w
    cell = torch.arange(side**2)
    row, column = cell // side, cell % side
    box = row // h * h + column // w
    share = sum((u[:, None] == u[None]).long() for u in (row, column, box))
    return (share.triu(1) * (z[:, :, None] == z[:, None, :])).sum((1, 2))
