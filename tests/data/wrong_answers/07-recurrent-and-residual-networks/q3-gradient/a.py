def my_gradient(jacobians, g):
    for J in jacobians:
        g = g @ J
    return g
