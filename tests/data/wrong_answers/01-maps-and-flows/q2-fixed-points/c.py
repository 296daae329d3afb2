# forgets the inner derivative: r (1 - z) in the place of r (1 - 2 z)
fixed_points = [0, 1 - 1 / r]
slopes = [r, 1]
