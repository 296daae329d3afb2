def my_stablemax(v):
    return v.softmax(-1)
