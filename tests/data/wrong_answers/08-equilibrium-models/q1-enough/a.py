def my_enough(q, share):
    return math.floor(math.log(share) / math.log(q))
