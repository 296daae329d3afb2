# compares cells and forgets the boards
def run_segments(model, inputs, labels, segments):
    state, right = model.initial_state(len(inputs)), []
    for _ in range(segments):
        state, out = model.segment(state, inputs)
        right.append(out.logits.argmax(-1) == labels)
    return state, torch.stack(right)
