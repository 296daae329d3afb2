# the mean instead of the better one
def my_targets(correct, halt_ahead, continue_ahead, last):
    mean = (halt_ahead.sigmoid() + continue_ahead.sigmoid()) / 2
    return correct.float(), torch.where(last, halt_ahead.sigmoid(), mean)
