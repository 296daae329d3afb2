# forgets the square
def my_eps(steps):
    return math.pi / steps
