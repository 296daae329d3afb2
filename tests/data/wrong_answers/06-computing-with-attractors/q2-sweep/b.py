# works on the state that was handed in
def my_sweep(W, z, order):
    for i in order:
        drive = z @ W[i]
        z[..., i] = torch.where(drive == 0, z[..., i], drive.sign())
    return z
