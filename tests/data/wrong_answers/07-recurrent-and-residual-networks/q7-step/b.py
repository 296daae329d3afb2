def my_largest_step(S, gamma):
    if gamma == 0:
        return 0.0
    return 2 * gamma / (gamma**2 + S.norm().item() ** 2)
