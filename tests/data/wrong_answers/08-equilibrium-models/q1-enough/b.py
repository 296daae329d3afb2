def my_enough(q, share):
    return math.ceil(math.log(share) / math.log(q)) + 1
