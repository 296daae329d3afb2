def my_width(D, expansion, multiple):
    return math.ceil(expansion * D * 2 / 3)
