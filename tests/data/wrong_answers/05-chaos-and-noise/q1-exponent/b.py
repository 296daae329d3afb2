# the slope after the step
def my_exponent(f, z0, steps):
    z, total = z0, 0.0
    for _ in range(steps):
        z = f(z)
        total += torch.func.grad(f)(z).abs().log().item()
    return total / steps
