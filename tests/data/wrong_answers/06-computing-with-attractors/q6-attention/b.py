# forgets beta, but for its sign
def my_attention(X, z, beta):
    return torch.softmax((beta > 0) * (z @ X.T), dim=-1) @ X


def my_sharpness(X, noisy, wanted):
    return 8
