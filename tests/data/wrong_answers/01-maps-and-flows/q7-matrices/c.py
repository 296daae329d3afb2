# symmetric matrices: here the product cannot be unstable
A = torch.tensor([[0.5, 0.3], [0.3, 0.5]])
B = torch.tensor([[0.4, -0.4], [-0.4, 0.4]])
