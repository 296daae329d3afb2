def my_rates(f, z0, g, steps):
    rest = fixed_point(f, z0).z
    predicted = math.log(spectral_radius(f, rest))
    start = rest.clone().requires_grad_()
    z = start
    for _ in range(steps):
        z = f(z)
    (gradient,) = torch.autograd.grad((g * z).sum(), start)
    return predicted, (gradient.norm() / g.norm()).log().item()
