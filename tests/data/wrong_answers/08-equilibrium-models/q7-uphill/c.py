J = torch.tensor([[0.0, 20.0], [0.0, 0.0]])
g = torch.tensor([0.0, 1.0])
