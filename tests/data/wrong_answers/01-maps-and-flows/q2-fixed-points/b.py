# one fixed point, given twice
fixed_points = [1 - 1 / r, 1 - 1 / r]
slopes = [2 - r, 2 - r]
