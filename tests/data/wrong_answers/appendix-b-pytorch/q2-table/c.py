def my_table(rates, starts, steps):
    rates = rates.flip(0).unsqueeze(1)
    z = starts.expand(len(rates), -1)
    for n in range(steps):
        z = (rates if n else rates.flip(0)) * z * (1 - z)
    return z
