# Euler-Maruyama's scaling, right only for small h and a close to 1
def my_strength(a, sigma, h):
    return sigma * math.sqrt(h)
