# the last state, again and again
def my_bifurcation(family, knobs, z0, settle, keep):
    rows = []
    for r in knobs:
        f, z = family(r), torch.as_tensor(z0)
        for _ in range(settle):
            z = f(z)
        rows.append(z.expand(keep))
    return torch.stack(rows)
