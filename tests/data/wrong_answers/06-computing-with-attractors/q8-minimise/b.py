# forgets the givens
def my_minimise(energy, puzzle, digits, seed):
    generator = torch.Generator().manual_seed(seed)
    boards = torch.randint(1, digits + 1, (20_000, len(puzzle)), generator=generator)
    return boards[energy(boards).argmin()]
