def my_gradient(f, z, g, parameters):
    if (f(z) - z).norm() > 1e-6:
        raise ValueError("not at rest")
    return list(torch.autograd.grad(f(z), parameters, my_terms(f, z, g, 1)))
