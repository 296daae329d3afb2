def my_leaky(W, U, leak, x):
    z = torch.zeros(len(W))
    return (1 - leak) * z + leak * torch.tanh(W @ z + U @ x)
