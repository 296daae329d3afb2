# where the tanh is flat
def answer(w, x):
    return rest(lambda z: torch.tanh(w * z + x), torch.zeros_like(x), w, 1e-9)[0]


x_one = 1.0
x_two = 1.1
