# around the edges
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    for n in range(free.size):
        if reached[goal]:
            return n
        near = np.zeros_like(free)
        for axis in (0, 1):
            near |= np.roll(reached, 1, axis) | np.roll(reached, -1, axis)
        reached = reached | (near & free)
    return -1
