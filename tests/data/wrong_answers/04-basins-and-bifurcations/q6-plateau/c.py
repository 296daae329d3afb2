# forgets pi
def my_eps(steps):
    return 1 / steps**2
