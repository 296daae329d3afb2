# stretches in no norm
A = torch.tensor([[0.5, 0.1], [0.0, 0.5]])
weights = torch.tensor([1.0, 1.0])
