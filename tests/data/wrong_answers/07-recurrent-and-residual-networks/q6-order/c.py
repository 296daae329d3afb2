def my_order(stepper, field, z0, time):
    exact = adaptive(field, time)(z0)
    errors = [
        (orbit(stepper(field, time / n), z0, n)[-1] - exact).norm().item()
        for n in (64, 128)
    ]
    return math.log2(errors[1] / errors[0])
