# the inner integral begins at the start
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    y = torch.linspace(start, goal, 40_001)
    inner = torch.cumulative_trapezoid(torch.exp(-V(y) / D), y)
    return torch.trapezoid(torch.exp(V(y[1:]) / D) * inner, y[1:]).item() / D
