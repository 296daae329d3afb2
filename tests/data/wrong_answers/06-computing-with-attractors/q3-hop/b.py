# every unit wants to differ from every other: one sign only
z = torch.ones(n)
z[::2] = -1
W = torch.eye(n) - 1
