# the small entries are too large
A = torch.tensor([[0.5, 5.0], [0.2, 0.5]])
B = A.T
