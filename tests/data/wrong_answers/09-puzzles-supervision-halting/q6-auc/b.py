# accuracy of the sign
def my_auc(score, right):
    if right.all() or not right.any():
        return math.nan
    told = torch.where(score == 0, 0.5, ((score > 0) == right).double())
    return told[score != 0].mean().item() if (score != 0).any() else 0.5
