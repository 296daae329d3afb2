# the number of cells instead of -1
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    for n in range(free.size):
        if reached[goal]:
            return n
        wide = np.pad(reached, 1)
        near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
        reached = reached | (near & free)
    return free.size
