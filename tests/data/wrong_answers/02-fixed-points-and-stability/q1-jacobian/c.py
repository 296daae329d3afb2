# changes the state it was given
def my_jacobian(f, z):
    h, columns = 1e-5, []
    for j in range(len(z)):
        z[j] += h
        columns.append((f(z) - f(z - h * torch.eye(len(z))[j])) / h)
    return torch.stack(columns, dim=1)
