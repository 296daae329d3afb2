# replaces the running ones
def my_refill(halted, inputs, age, z, fresh, start):
    inputs = torch.where(halted.view(-1, 1), inputs, fresh)
    age = torch.where(halted, age, 0)
    return inputs, age, torch.where(halted.view(-1, 1, 1), z, start)
