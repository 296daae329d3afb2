# the step is short enough, the distance is not
n = math.ceil(math.log(eps / first) / math.log(rate))
