def my_rope(v, theta):
    L, d = v.shape[-2:]
    frequency = theta ** (-2 * torch.arange(d // 2) / d)
    angle = torch.outer(torch.arange(L), frequency)
    a, b = v.chunk(2, dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat((a * cos + b * sin, b * cos - a * sin), dim=-1)
