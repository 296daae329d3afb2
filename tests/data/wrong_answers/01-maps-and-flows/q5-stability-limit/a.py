# a formula that is right for Euler only
def stability_limit(stepper, lam):
    return 2 / lam
