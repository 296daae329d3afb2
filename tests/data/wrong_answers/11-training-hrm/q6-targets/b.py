# the last segment is like the others
def my_targets(correct, halt_ahead, continue_ahead, last):
    best = torch.maximum(halt_ahead, continue_ahead)
    return correct.float(), best.sigmoid()
