# forgets the floor
def approach_factor(f, z0, steps, floor):
    residuals = np.array([residual(f, z).item() for z in orbit(f, z0, steps)])
    step = np.arange(len(residuals) // 2, len(residuals))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = step - step.mean(), np.log(residuals[step])
        return float(np.exp((x * y).sum() / (x * x).sum()))


factor = approach_factor(frozen, first_state, 24, 1e-3)
radius = spectral_radius(frozen, orbit(frozen, first_state, 24)[-1])
