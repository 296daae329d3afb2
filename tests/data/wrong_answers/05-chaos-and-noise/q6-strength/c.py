# like the drift
def my_strength(a, sigma, h):
    return sigma * h
