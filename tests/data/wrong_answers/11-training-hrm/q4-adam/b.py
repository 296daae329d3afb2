# decay of the gradient instead of the parameter
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        g = g + decay * theta
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        root = (v / (1 - b2**t)).sqrt()
        theta = theta - eta / (1 - b1**t) * torch.atan2(m, root)
    return theta
