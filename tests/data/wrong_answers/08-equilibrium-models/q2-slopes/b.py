def my_slopes(a, x):
    z = 0.0
    for _ in range(10_000):
        z = math.tanh(a * z + x)
    slope = 1 - z**2
    return slope, slope / (1 - a)
