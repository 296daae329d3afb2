def my_rope(v, theta):
    L, d = v.shape[-2:]
    frequency = theta ** (-2 * torch.arange(d // 2) / d)
    angle = torch.outer(torch.arange(L), frequency)
    a, b = v[..., 0::2], v[..., 1::2]
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)
