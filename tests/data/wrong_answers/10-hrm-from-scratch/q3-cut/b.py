def my_cut_normal(n, std, cut, generator):
    mass = math.erf(cut / math.sqrt(2))
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    sigma = std / math.sqrt(1 - 2 * cut * density / mass)
    return (sigma * torch.randn(n, generator=generator)).clip(-cut * sigma, cut * sigma)
