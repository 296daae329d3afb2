# keeps the beginning
def my_bifurcation(family, knobs, z0, settle, keep):
    rows = []
    for r in knobs:
        f, z, row = family(r), torch.as_tensor(z0), []
        for _ in range(keep):
            row.append(z)
            z = f(z)
        rows.append(torch.stack(row))
    return torch.stack(rows)
