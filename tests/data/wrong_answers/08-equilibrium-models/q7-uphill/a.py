J = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
g = torch.tensor([1.0, 0.0])
