# goes on where the last knob stopped
def my_bifurcation(family, knobs, z0, settle, keep):
    rows, z = [], torch.as_tensor(z0)
    for r in knobs:
        f, row = family(r), []
        for _ in range(settle):
            z = f(z)
        for _ in range(keep):
            row.append(z)
            z = f(z)
        rows.append(torch.stack(row))
    return torch.stack(rows)
