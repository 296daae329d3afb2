# a sum, not a mean
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q, R = torch.linalg.qr(jacobian(f, z) @ Q)
        z = f(z)
        total += R.diagonal().abs().log()
    return total
