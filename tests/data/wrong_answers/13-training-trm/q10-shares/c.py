# the function is right, the guess is that a walk spreads over all directions
def variance_shares(states):
    flat = states.flatten(1).double()
    squares = torch.linalg.svdvals(flat - flat.mean(0)).square()
    shares = torch.zeros(len(states), dtype=torch.float64)
    shares[: len(squares)] = squares / squares.sum()
    return shares


my_guess = 0.01
