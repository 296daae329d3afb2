# the law alone
def my_eps(steps):
    return (math.pi / steps) ** 2
