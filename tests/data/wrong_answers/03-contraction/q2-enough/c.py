# one step to be on the safe side
n = math.ceil(math.log(eps * (1 - rate) / first) / math.log(rate)) + 1
