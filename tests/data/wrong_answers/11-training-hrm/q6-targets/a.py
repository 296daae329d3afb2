# logits as they are
def my_targets(correct, halt_ahead, continue_ahead, last):
    best = torch.maximum(halt_ahead, continue_ahead)
    return correct.float(), torch.where(last, halt_ahead, best)
