# forgets to sum the steps that are still to come
def my_bounds(q, first_step, last_step, n):
    return q**n * first_step, q / (1 - q) * last_step
