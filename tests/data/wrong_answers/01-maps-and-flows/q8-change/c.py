# goes up and down again, with the right ends
def change(x):
    return torch.sin(2.5 * math.pi * x) ** 2
