# keeps ends and order, but does not translate
def change(x):
    return x**2
