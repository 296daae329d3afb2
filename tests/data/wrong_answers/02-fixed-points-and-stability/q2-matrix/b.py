# stable in both readings
A = torch.tensor([[trace / 2, 0.1], [-0.1, trace / 2]])
