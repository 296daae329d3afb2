# the shares are right; expects as many boards as cells
def cells_and_boards(tokens, labels):
    counted = labels != -100
    right = tokens == labels
    boards = (right | ~counted).all(1).double().mean().item()
    return right[counted].double().mean().item(), boards


expected = cell_share
needed = 0.9
