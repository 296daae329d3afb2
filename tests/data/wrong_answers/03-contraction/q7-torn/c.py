# torn apart, but not near enough to the antipode
far = kappa - 1  # this far from the antipode, z + c is longer by a factor of about 1.4
z_one = torch.tensor([0.6 * far, 0.0, -((1 - 0.36 * far**2) ** 0.5)])
z_two = torch.tensor([-0.6 * far, 0.0, -((1 - 0.36 * far**2) ** 0.5)])
