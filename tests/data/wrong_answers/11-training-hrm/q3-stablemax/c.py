def my_stablemax(v):
    s = torch.where(v >= 0, 1 + v.clamp(min=0), 1 / (1 - v.clamp(max=0)))
    return s / s.sum()
