def my_mislead(q, bound):
    c = 20.0
    M = torch.diag(torch.tensor([1.0, c**2]))
    v = torch.tensor([c, 1.0])
    J = q * torch.outer(v, M @ v) / (v.norm() * (M @ v).norm())
    return M.sqrt(), J, v - J.T @ v
