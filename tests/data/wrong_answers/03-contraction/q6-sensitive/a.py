# one application is not the answer
def answer(w, x):
    return torch.tanh(x)


x_one = 0.0
x_two = 0.001
