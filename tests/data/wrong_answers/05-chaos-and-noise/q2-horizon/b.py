n = math.ceil(math.log(1.0 / eps) / lam) + 1
digits = 100 * lam / math.log(10)
