def my_cut_normal(n, std, cut, generator):
    z = torch.randn(4 * n, generator=generator)
    z = z[z.abs() < cut + 0.5][:n]
    return std * z / z.std()
