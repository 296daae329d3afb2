J = torch.tensor([[0.4, 0.3], [-0.3, 0.4]])
g = torch.tensor([1.0, -1.0])
