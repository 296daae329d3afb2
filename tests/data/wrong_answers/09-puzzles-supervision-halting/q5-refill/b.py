# writes into what was handed in
def my_refill(halted, inputs, age, z, fresh, start):
    inputs[halted], age[halted], z[halted] = fresh[halted], 0, start[halted]
    return inputs, age, z
