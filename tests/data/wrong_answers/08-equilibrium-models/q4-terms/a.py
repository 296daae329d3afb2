def my_terms(f, z, g, k):
    term, total = g, g
    for _ in range(k - 1):
        term = torch.func.jvp(f, (z,), (term,))[1]
        total = total + term
    return total
