# a zero in the matrix
A = torch.tensor([[trace, 1.0], [-4.0, 0.0]])
