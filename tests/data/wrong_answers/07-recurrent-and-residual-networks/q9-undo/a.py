def my_undo(g, h, y):
    return y - h * g(y)
