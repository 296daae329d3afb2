# looks at the ends only
def swapped_pair(f, low, high):
    if f(torch.tensor(low)) >= f(torch.tensor(high)):
        return low, high
    return ()
