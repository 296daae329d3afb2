# compares patterns instead of units
def my_weights(X):
    W = X @ X.T / X.shape[1]
    return W - W.diagonal().diag()
