# calls a puzzle at rest when its answer no longer changes
def four_kinds(model, inputs, labels, segments, threshold):
    state, right = run_segments(model, inputs, labels, segments)
    z, f = torch.stack(state, dim=1), model.segment_map(inputs)
    before, _ = run_segments(model, inputs, labels, segments - 1)
    answers = [model.read_out(z_H).logits.argmax(-1) for z_H in (before.z_H, state.z_H)]
    right, rest = right[-1], (answers[0] == answers[1]).all(-1)
    masks = {
        "rest, right": rest & right,
        "rest, wrong": rest & ~right,
        "moving, right": ~rest & right,
        "moving, wrong": ~rest & ~right,
    }
    return {kind: mask.nonzero().flatten().tolist() for kind, mask in masks.items()}


rest_and_wrong = 1
