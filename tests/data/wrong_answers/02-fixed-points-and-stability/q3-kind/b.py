# the parabola upside down
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if D < 0:
        return "saddle"
    side = "stable" if T < 0 else "unstable"
    return f"{side} focus" if T**2 > 4 * D else f"{side} node"
