# the share of correct units
def my_overlap(X, noisy):
    W, z = my_weights(X), noisy
    for _ in range(8):
        z = my_sweep(W, z, range(X.shape[1]))
    return (z == X).double().mean().item()


def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02).tolist():
        X = random_patterns(round(load * n), n, 0)
        if my_overlap(X, spoil(X, 0.05, 1)) < 0.95:
            return load
