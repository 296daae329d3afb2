def my_width(D, expansion, multiple):
    return multiple * round(round(expansion * D * 2 / 3) / multiple + 0.01 - 0.5)
