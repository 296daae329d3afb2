r_saddle = -1 / (2 * c)
r_flip = 3 / (2 * c)
