# measures before anything has moved
def my_overlap(X, noisy):
    return (noisy * X).mean().item()


def my_capacity(n):
    for load in torch.arange(0.05, 0.26, 0.02).tolist():
        X = random_patterns(round(load * n), n, 0)
        if my_overlap(X, spoil(X, 0.05, 1)) < 0.95:
            return load
