def my_terms(f, z, g, k):
    y = z.detach().requires_grad_()
    image, term = f(y), g
    for _ in range(k - 1):
        (term,) = torch.autograd.grad(image, y, term, retain_graph=True)
    return term
