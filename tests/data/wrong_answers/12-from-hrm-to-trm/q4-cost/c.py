def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    forward = T * (n + 1)
    backward = 2 * (n + 1 if calls_back is None else calls_back)
    return layers * (forward + backward) * (2 if look_ahead else 1)
