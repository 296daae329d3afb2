# shares of singular values, not of their squares
def variance_shares(states):
    flat = states.flatten(1).double()
    values = torch.linalg.svdvals(flat - flat.mean(0))
    shares = torch.zeros(len(states), dtype=torch.float64)
    shares[: len(values)] = values / values.sum()
    return shares


my_guess = 0.6
