# stops too early
def my_event(family, low, high):
    zero = torch.zeros(2)
    for _ in range(10):
        r = (low + high) / 2
        leading = leading_eigenvalues(family(r), zero)[0]
        low, high = (r, high) if leading.abs() < 1 else (low, r)
    if leading.imag.abs() > 1e-6:
        return r, "pair"
    return r, "plus one" if leading.real > 0 else "minus one"
