# not on the sphere
z_one = torch.tensor([0.1, 0.0, -1.0])
z_two = torch.tensor([-0.1, 0.0, -1.0])
