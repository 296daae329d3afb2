r_saddle = 1 / (4 * c)
r_flip = 3 / (4 * c)
