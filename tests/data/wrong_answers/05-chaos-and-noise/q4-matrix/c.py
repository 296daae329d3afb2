A = torch.tensor([[0.1, 100.0], [1e-8, 0.1]])
