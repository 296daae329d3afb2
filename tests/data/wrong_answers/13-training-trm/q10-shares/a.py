# forgets the mean state
def variance_shares(states):
    squares = torch.linalg.svdvals(states.flatten(1).double()).square()
    shares = torch.zeros(len(states), dtype=torch.float64)
    shares[: len(squares)] = squares / squares.sum()
    return shares


my_guess = 0.6
