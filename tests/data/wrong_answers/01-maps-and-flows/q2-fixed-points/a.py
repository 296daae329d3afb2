# 1 / r in the place of 1 - 1 / r
fixed_points = [0, 1 / r]
slopes = [r, 2 - r]
