# returns a list
def my_orbit(f, z0, steps):
    states = [z0]
    for _ in range(steps):
        states.append(f(states[-1]))
    return states
