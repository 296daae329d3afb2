# the negative of a pattern
def my_spurious(X):
    return -X[0]
