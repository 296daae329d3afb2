def my_stablemax(v):
    s = torch.where(v >= 0, 1 + v, 1 / (1 - v + 1e-30))
    return s / s.sum(-1, keepdim=True)
