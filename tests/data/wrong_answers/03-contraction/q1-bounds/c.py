# 1 / (1 - q) in the place of q / (1 - q)
def my_bounds(q, first_step, last_step, n):
    return q**n / (1 - q) * first_step, 1 / (1 - q) * last_step
