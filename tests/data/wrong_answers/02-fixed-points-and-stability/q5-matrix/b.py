# the diagonal does not cancel
J = torch.diag(torch.tensor([9.0, 0.1, 0.1])) + 0.05
