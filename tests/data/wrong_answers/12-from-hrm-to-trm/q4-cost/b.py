def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    forward = T * (n + 1) * (2 if look_ahead else 1)
    return layers * (forward + 2 * (T * (n + 1) if calls_back is None else calls_back))
