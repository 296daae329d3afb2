def my_field(z):
    return z[..., :2].square().sum(-1)


my_cut = (torch.tensor([0.0, 0.0, 1.0]), -1.5)
