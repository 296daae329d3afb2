def my_field(z):
    x, y, _ = z.unbind(-1)
    return torch.stack((-y, x, torch.zeros_like(x)), dim=-1)


my_cut = (torch.tensor([0.0, 0.0, 1.0]), -1.5)
