# never makes the columns orthogonal
def my_spectrum(f, z0, steps):
    z, Q, total = z0, torch.eye(len(z0)), torch.zeros(len(z0))
    for _ in range(steps):
        Q = jacobian(f, z) @ Q
        z = f(z)
        length = Q.norm(dim=0)
        Q, total = Q / length, total + length.log()
    return total / steps
