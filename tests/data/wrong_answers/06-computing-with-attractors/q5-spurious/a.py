# the majority, without settling
def my_spurious(X):
    return X[:3].sum(0).sign()
