# a chase: no symmetry
z = torch.ones(n)
z[::2] = -1
W = torch.ones(n, n).triu(1) - torch.ones(n, n).tril(-1)
