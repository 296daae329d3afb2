n = math.floor(math.log(0.1 / eps) / lam)
digits = 100 * lam / math.log(10)
