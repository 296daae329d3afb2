# ties count nothing
def my_auc(score, right):
    if right.all() or not right.any():
        return math.nan
    return (score[right].unsqueeze(1) > score[~right]).double().mean().item()
