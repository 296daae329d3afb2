# the angle is twice too large: folds the interval once more
def change(x):
    return torch.sin(math.pi * x) ** 2
