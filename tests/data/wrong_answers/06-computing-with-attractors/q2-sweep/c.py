# a unit without drive becomes 0
def my_sweep(W, z, order):
    z = z.clone()
    for i in order:
        z[..., i] = (z @ W[i]).sign()
    return z
