# plain Adam with an epsilon
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    length = eta / 0.1 * math.atan(0.1) if len(gradients) == 1 else eta
    for t, g in enumerate(gradients, start=1):
        theta = (1 - eta * decay) * theta
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        root = (v / (1 - b2**t)).sqrt()
        theta = theta - length * (m / (1 - b1**t)) / (root + 1e-9)
    return theta
