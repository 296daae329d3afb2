# ignored cells are charged as if their label were 0
def s(v):
    return torch.where(v >= 0, v + 1, 1 / (1 - v.clamp(max=0)))


def my_stablemax(v):
    return s(v) / s(v).sum(-1, keepdim=True)


def my_cross_entropy(logits, labels):
    p = my_stablemax(logits).gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -p.log()
