def my_digits(dtype):
    k = 0
    while torch.tensor(1.0) + 2.0**-k != 1:
        k += 1
    return k
