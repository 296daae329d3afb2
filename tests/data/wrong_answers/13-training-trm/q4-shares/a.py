# counts the ignored cells as wrong
def cells_and_boards(tokens, labels):
    right = tokens == labels
    return right.double().mean().item(), right.all(1).double().mean().item()


expected = cell_share**blanks
needed = 0.9 ** (1 / blanks)
