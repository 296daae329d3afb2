# 0 where nobody is
def my_by_age(right, age, segments):
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    count = torch.bincount(age, minlength=segments + 1)
    return (hits / count.clamp(min=1))[1 : segments + 1]
