# keeps the first half, where the fast direction is not yet gone
def approach_factor(f, z0, steps, floor):
    residuals = np.array([residual(f, z).item() for z in orbit(f, z0, steps)])
    below = np.flatnonzero(residuals <= floor)
    n = below[0] if len(below) else len(residuals)
    step = np.arange(n)
    return float(np.exp(np.polyfit(step, np.log(residuals[step]), 1)[0]))


factor = approach_factor(frozen, first_state, 24, 1e-3)
radius = spectral_radius(frozen, orbit(frozen, first_state, 24)[-1])
