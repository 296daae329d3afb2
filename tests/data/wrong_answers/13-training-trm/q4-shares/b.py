# cells are right, but an ignored cell spoils its board
def cells_and_boards(tokens, labels):
    right = tokens == labels
    return right[labels != -100].double().mean().item(), right.all(1).double().mean().item()


expected = cell_share**blanks
needed = 0.9 ** (1 / blanks)
