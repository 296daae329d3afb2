# divides by the number of patterns
def my_weights(X):
    W = X.T @ X / X.shape[0]
    return W - W.diagonal().diag()
