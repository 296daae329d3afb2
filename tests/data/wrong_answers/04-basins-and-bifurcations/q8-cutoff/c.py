# nothing is ever given up
def my_cutoff(times):
    return math.inf, times.mean().item()
