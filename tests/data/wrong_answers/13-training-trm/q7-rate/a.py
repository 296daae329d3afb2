# returns the slope of the logarithm
def approach_factor(f, z0, steps, floor):
    residuals = np.array([residual(f, z).item() for z in orbit(f, z0, steps)])
    below = np.flatnonzero(residuals <= floor)
    n = below[0] if len(below) else len(residuals)
    step = np.arange(n // 2, n)
    return float(np.polyfit(step, np.log(residuals[step]), 1)[0])


factor = approach_factor(frozen, first_state, 24, 1e-3)
radius = spectral_radius(frozen, orbit(frozen, first_state, 24)[-1])
