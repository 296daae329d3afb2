def my_mislead(q, bound):
    J = q * torch.eye(2)
    return torch.diag(torch.tensor([1.0, 1e6])), J, torch.tensor([1.0, -1.0])
