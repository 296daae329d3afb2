# decides by a norm
def my_event(family, low, high):
    zero = torch.zeros(2)
    for _ in range(60):
        r = (low + high) / 2
        J = torch.func.jacfwd(family(r))(zero)
        low, high = (r, high) if torch.linalg.matrix_norm(J, 2) < 1 else (low, r)
    return r, "plus one"
