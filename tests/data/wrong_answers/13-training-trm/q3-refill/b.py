# every slot starts anew, also those that have not halted
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    one, two = halted.view(-1, 1), halted.view(-1, 1, 1)
    return {
        "inputs": torch.where(one, fresh["inputs"], slots["inputs"]),
        "labels": torch.where(one, fresh["labels"], slots["labels"]),
        "z_H": start.z_H.clone(),
        "z_L": start.z_L.clone(),
        "age": torch.where(halted, 0, slots["age"]),
        "halted": halted,
    }
