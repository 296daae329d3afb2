# the states of the last puzzles stay in the refilled slots
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    one, two = halted.view(-1, 1), halted.view(-1, 1, 1)
    return {
        "inputs": torch.where(one, fresh["inputs"], slots["inputs"]),
        "labels": torch.where(one, fresh["labels"], slots["labels"]),
        "z_H": slots["z_H"],
        "z_L": slots["z_L"],
        "age": torch.where(halted, 0, slots["age"]),
        "halted": halted,
    }
