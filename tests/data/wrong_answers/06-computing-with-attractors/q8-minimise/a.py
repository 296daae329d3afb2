# one descent, no noise
def my_minimise(energy, puzzle, digits, seed):
    generator = torch.Generator().manual_seed(seed)
    free = (puzzle == 0).nonzero().flatten().tolist()
    z = puzzle.clone()
    z[free] = torch.randint(1, digits + 1, (len(free),), generator=generator)
    for _ in range(10):
        for i in free:
            boards = z.repeat(digits, 1)
            boards[:, i] = torch.arange(1, digits + 1)
            z = boards[energy(boards).argmin()]
    return z
