def my_width(D, expansion, multiple):
    return multiple * (1 + round(expansion * D * 2 / 3) // multiple) + multiple
