# the mean of three patterns is no state
def my_spurious(X):
    return X[:3].mean(0)
