# one bound only
def my_bounds(q, first_step, last_step, n):
    return q**n / (1 - q) * first_step
