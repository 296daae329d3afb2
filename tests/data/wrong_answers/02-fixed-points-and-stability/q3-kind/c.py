# a map is called a saddle when its determinant is negative
def my_kind(A, reading):
    T, D = A.trace(), torch.linalg.det(A)
    if D < 0:
        return "saddle"
    stable = T < 0 if reading == "flow" else abs(T) < 1 + D < 2
    side = "stable" if stable else "unstable"
    return f"{side} focus" if T**2 < 4 * D else f"{side} node"
