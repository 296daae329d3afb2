# nothing in front
def my_passage(V, sigma, start, goal, wall):
    D = sigma**2 / 2
    x = torch.linspace(wall, goal, 40_001)
    inner = torch.cumulative_trapezoid(torch.exp(-V(x) / D), x)
    y, outer = x[1:], torch.exp(V(x[1:]) / D) * inner
    inside = y >= start
    return torch.trapezoid(outer[inside], y[inside]).item()
