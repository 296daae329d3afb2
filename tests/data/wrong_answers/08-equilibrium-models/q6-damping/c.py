def my_damping(low, high):
    damping = 2 / (2 - low - high)
    return damping, 1 - damping + damping * low
