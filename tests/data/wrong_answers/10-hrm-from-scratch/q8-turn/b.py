def my_turn(slots, fresh, start, run, segments, floor):
    halted, z = slots["halted"], slots["z"]
    inputs = torch.where(halted.view(-1, 1), fresh, slots["inputs"])
    z = torch.where(halted.view(-1, 1, 1), start, z)
    age = slots["age"] + 1
    z, stop_logit = run(z, inputs)
    halted = ((age >= segments) | (stop_logit > 0)) & (age >= floor)
    return {"z": z, "inputs": inputs, "age": age, "halted": halted}
