# packs the first fresh rows into the halted slots
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    new = {key: tensor.clone() for key, tensor in slots.items()}
    for key in ("inputs", "labels"):
        new[key][halted] = fresh[key][: halted.sum()]
    for key in ("z_H", "z_L"):
        new[key][halted] = getattr(start, key)[halted]
    new["age"][halted] = 0
    return new
