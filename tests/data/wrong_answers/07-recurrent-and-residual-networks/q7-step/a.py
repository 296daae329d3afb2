def my_largest_step(S, gamma):
    if gamma == 0:
        return 0.0
    return 2 / gamma
