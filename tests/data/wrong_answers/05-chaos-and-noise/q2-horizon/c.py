n = math.ceil(math.log(0.1 / eps) / lam)
digits = 100 * lam
