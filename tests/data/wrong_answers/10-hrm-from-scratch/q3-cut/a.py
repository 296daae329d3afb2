def my_cut_normal(n, std, cut, generator):
    mass = math.erf(cut / math.sqrt(2))
    uniform = mass * (2 * torch.rand(n, generator=generator) - 1)
    return math.sqrt(2) * std * torch.erfinv(uniform)
