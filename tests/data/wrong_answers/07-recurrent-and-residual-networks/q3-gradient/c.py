def my_gradient(jacobians, g):
    for J in reversed(jacobians):
        g = J @ g
    return g
