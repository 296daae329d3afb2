# ages from 0
def my_by_age(right, age, segments):
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    return hits / torch.bincount(age, minlength=segments + 1)
