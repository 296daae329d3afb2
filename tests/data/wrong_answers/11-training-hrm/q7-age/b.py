# shares of all slots
def my_by_age(right, age, segments):
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    count = torch.bincount(age, minlength=segments + 1)
    return torch.where(count > 0, hits / len(age), torch.nan)[1 : segments + 1]
