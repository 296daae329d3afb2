r_saddle = -1 / (4 * c)
r_flip = 1 / (2 * c)
