# reads the answer out of the state before the segment
def run_segments(model, inputs, labels, segments):
    state, right = model.initial_state(len(inputs)), []
    for _ in range(segments):
        out = model.read_out(state.z_H)
        right.append((out.logits.argmax(-1) == labels).all(-1))
        state, _ = model.segment(state, inputs)
    return state, torch.stack(right)
