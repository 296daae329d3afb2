def my_terms(f, z, g, k):
    y = z.detach().requires_grad_()
    image, total = f(y), g
    for _ in range(k - 1):
        (term,) = torch.autograd.grad(image, y, g, retain_graph=True)
        total = total + term
    return total
