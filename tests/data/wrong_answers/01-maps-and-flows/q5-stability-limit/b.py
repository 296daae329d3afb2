# stops after too few rounds
def stability_limit(stepper, lam):
    small, large = 0.01 / lam, 10 / lam
    for _ in range(10):
        middle = (small + large) / 2
        if my_orbit(stepper(lambda z: -lam * z, middle), torch.tensor(1.0), 200)[-1].abs() < 1:
            small = middle
        else:
            large = middle
    return small
