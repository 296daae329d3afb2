def my_damping(low, high):
    damping = 1 / (1 - low)
    return damping, abs(1 - damping + damping * high)
