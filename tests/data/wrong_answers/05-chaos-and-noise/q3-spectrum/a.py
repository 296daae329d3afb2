# the Jacobian after the step
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        z = f(z)
        Q, R = torch.linalg.qr(jacobian(f, z) @ Q)
        total += R.diagonal().abs().log()
    return total / steps
