# keeps the diagonal
def my_weights(X):
    return X.T @ X / X.shape[1]
