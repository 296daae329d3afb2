def my_gradient(jacobians, g):
    for J in jacobians:
        g = J @ g
    return g
