def my_gradients(A, B, C, D, x, y, z_H, z_L):
    injection = z_H + x
    new_L = torch.tanh(A @ z_L + B @ injection)
    error = C @ z_H + D @ new_L - y
    back = (1 - new_L**2) * (D.T @ error)
    return (
        torch.outer(back, z_L),
        torch.outer(back, injection),
        torch.outer(error, z_H),
        torch.outer(error, z_L),
    )
