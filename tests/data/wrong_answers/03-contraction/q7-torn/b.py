# near the target, where the map contracts
z_one = torch.tensor([0.6, 0.0, 0.8])
z_two = torch.tensor([-0.6, 0.0, 0.8])
