def my_digits(dtype):
    k = 0
    while torch.ones((), dtype=dtype) + torch.tensor(2.0**-k, dtype=dtype) != 1:
        k += 1
    return k - 1
