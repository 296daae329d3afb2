def my_table(rates, starts, steps):
    z = starts
    for _ in range(steps):
        z = rates[: len(starts)].mean() * z * (1 - z)
    return z
