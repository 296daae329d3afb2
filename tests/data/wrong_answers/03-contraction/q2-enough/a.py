# not rounded
n = math.log(eps * (1 - rate) / first) / math.log(rate)
