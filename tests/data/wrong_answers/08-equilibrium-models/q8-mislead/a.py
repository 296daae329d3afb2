def my_mislead(q, bound):
    J = torch.tensor([[0.0, 8.0], [0.0, 0.0]])
    v = torch.tensor([1.0, 4.0])
    return torch.eye(2), J, v - J.T @ v
