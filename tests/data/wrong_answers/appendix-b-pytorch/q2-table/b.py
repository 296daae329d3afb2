def my_table(rates, starts, steps):
    z = starts.unsqueeze(1).expand(-1, len(rates)).T
    for _ in range(steps + 1):
        z = rates.unsqueeze(1) * z * (1 - z)
    return z
