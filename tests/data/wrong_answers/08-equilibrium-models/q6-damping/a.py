def my_damping(low, high):
    return 1.0, max(abs(low), abs(high))
