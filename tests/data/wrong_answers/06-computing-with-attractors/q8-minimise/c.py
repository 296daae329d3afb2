# tries boards at random, far too many
def my_minimise(energy, puzzle, digits, seed):
    generator = torch.Generator().manual_seed(seed)
    boards = torch.randint(1, digits + 1, (30_000, len(puzzle)), generator=generator)
    boards = torch.where(puzzle > 0, puzzle, boards)
    return boards[energy(boards).argmin()]
