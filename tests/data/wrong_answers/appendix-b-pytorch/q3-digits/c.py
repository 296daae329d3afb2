def my_digits(dtype):
    return torch.finfo(dtype).eps
