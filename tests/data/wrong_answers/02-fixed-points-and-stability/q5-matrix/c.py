# not unstable enough
J = torch.diag(torch.tensor([1.2, -0.6, -0.6])) + 0.05 - 0.05 * torch.eye(3)
