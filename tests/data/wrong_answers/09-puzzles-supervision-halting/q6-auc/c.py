# no care for a missing kind
def my_auc(score, right):
    gap = score[right].unsqueeze(1) - score[~right]
    return ((gap > 0).double() + (gap == 0).double() / 2).sum().item() / max(1, gap.numel())
