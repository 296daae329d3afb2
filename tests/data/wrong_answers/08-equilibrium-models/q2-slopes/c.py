def my_slopes(a, x):
    z = 0.0
    for _ in range(10_000):
        z = math.tanh(a * z + x)
    return (1 - z**2) / (1 - a * (1 - z**2))
