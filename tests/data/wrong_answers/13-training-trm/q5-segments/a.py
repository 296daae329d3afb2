# each segment starts from the initial state: the new one is not handed on
def run_segments(model, inputs, labels, segments):
    start, right = model.initial_state(len(inputs)), []
    for _ in range(segments):
        state, out = model.segment(start, inputs)
        right.append((out.logits.argmax(-1) == labels).all(-1))
    return state, torch.stack(right)
