# one residual for all puzzles together
def four_kinds(model, inputs, labels, segments, threshold):
    state, right = run_segments(model, inputs, labels, segments)
    z, f = torch.stack(state, dim=1), model.segment_map(inputs)
    right = right[-1]
    rest = (residual(f, z) <= threshold).expand(len(inputs))
    masks = {
        "rest, right": rest & right,
        "rest, wrong": rest & ~right,
        "moving, right": ~rest & right,
        "moving, wrong": ~rest & ~right,
    }
    return {kind: mask.nonzero().flatten().tolist() for kind, mask in masks.items()}


rest_and_wrong = 1
