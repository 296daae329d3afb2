def my_enough(q, share):
    return math.log(share) / math.log(q)
