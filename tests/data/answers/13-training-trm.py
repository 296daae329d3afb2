# %% q1-tokens wrong: a blank as 0, the number of padding
first_tokens = [0 if char == "." else int(char) + 1 for char in first_text]
second_text = "".join("." if token == 1 else str(token - 1) for token in second_tokens)
same_side = True

# %% q1-tokens wrong: every digit as it stands
first_tokens = [1 if char == "." else int(char) for char in first_text]
second_text = "".join("." if token == 1 else str(token) for token in second_tokens)
same_side = True

# %% q1-tokens wrong: right both ways, but judges the split by the puzzles instead of their solutions
first_tokens = [1 if char == "." else int(char) + 1 for char in first_text]
second_text = "".join("." if token == 1 else str(token - 1) for token in second_tokens)
same_side = not bool((small.solve(puzzle[0]) == small.solve(other[0])).all())

# %% q10-shares wrong: forgets the mean state
def variance_shares(states):
    squares = torch.linalg.svdvals(states.flatten(1).double()).square()
    shares = torch.zeros(len(states), dtype=torch.float64)
    shares[: len(squares)] = squares / squares.sum()
    return shares


my_guess = 0.6

# %% q10-shares wrong: shares of singular values, not of their squares
def variance_shares(states):
    flat = states.flatten(1).double()
    values = torch.linalg.svdvals(flat - flat.mean(0))
    shares = torch.zeros(len(states), dtype=torch.float64)
    shares[: len(values)] = values / values.sum()
    return shares


my_guess = 0.6

# %% q10-shares wrong: the function is right, the guess is that a walk spreads over all directions
def variance_shares(states):
    flat = states.flatten(1).double()
    squares = torch.linalg.svdvals(flat - flat.mean(0)).square()
    shares = torch.zeros(len(states), dtype=torch.float64)
    shares[: len(squares)] = squares / squares.sum()
    return shares


my_guess = 0.01

# %% q2-stablemax wrong: the exponential: an ordinary softmax
def s(v):
    return v.exp()


def my_stablemax(v):
    return s(v) / s(v).sum(-1, keepdim=True)


def my_cross_entropy(logits, labels):
    p = my_stablemax(logits).gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return torch.where(labels != -100, -p.log(), 0.0)

# %% q2-stablemax wrong: the branch that is not taken divides by zero at 1, and spoils the gradient
def s(v):
    return torch.where(v >= 0, v + 1, 1 / (1 - v))


def my_stablemax(v):
    return s(v) / s(v).sum(-1, keepdim=True)


def my_cross_entropy(logits, labels):
    p = my_stablemax(logits).gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return torch.where(labels != -100, -p.log(), 0.0)

# %% q2-stablemax wrong: ignored cells are charged as if their label were 0
def s(v):
    return torch.where(v >= 0, v + 1, 1 / (1 - v.clamp(max=0)))


def my_stablemax(v):
    return s(v) / s(v).sum(-1, keepdim=True)


def my_cross_entropy(logits, labels):
    p = my_stablemax(logits).gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -p.log()

# %% q3-refill wrong: the states of the last puzzles stay in the refilled slots
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    one, two = halted.view(-1, 1), halted.view(-1, 1, 1)
    return {
        "inputs": torch.where(one, fresh["inputs"], slots["inputs"]),
        "labels": torch.where(one, fresh["labels"], slots["labels"]),
        "z_H": slots["z_H"],
        "z_L": slots["z_L"],
        "age": torch.where(halted, 0, slots["age"]),
        "halted": halted,
    }

# %% q3-refill wrong: every slot starts anew, also those that have not halted
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    one, two = halted.view(-1, 1), halted.view(-1, 1, 1)
    return {
        "inputs": torch.where(one, fresh["inputs"], slots["inputs"]),
        "labels": torch.where(one, fresh["labels"], slots["labels"]),
        "z_H": start.z_H.clone(),
        "z_L": start.z_L.clone(),
        "age": torch.where(halted, 0, slots["age"]),
        "halted": halted,
    }

# %% q3-refill wrong: packs the first fresh rows into the halted slots
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    new = {key: tensor.clone() for key, tensor in slots.items()}
    for key in ("inputs", "labels"):
        new[key][halted] = fresh[key][: halted.sum()]
    for key in ("z_H", "z_L"):
        new[key][halted] = getattr(start, key)[halted]
    new["age"][halted] = 0
    return new

# %% q4-shares wrong: counts the ignored cells as wrong
def cells_and_boards(tokens, labels):
    right = tokens == labels
    return right.double().mean().item(), right.all(1).double().mean().item()


expected = cell_share**blanks
needed = 0.9 ** (1 / blanks)

# %% q4-shares wrong: cells are right, but an ignored cell spoils its board
def cells_and_boards(tokens, labels):
    right = tokens == labels
    return right[labels != -100].double().mean().item(), right.all(1).double().mean().item()


expected = cell_share**blanks
needed = 0.9 ** (1 / blanks)

# %% q4-shares wrong: the shares are right; expects as many boards as cells
def cells_and_boards(tokens, labels):
    counted = labels != -100
    right = tokens == labels
    boards = (right | ~counted).all(1).double().mean().item()
    return right[counted].double().mean().item(), boards


expected = cell_share
needed = 0.9

# %% q5-segments wrong: each segment starts from the initial state: the new one is not handed on
def run_segments(model, inputs, labels, segments):
    start, right = model.initial_state(len(inputs)), []
    for _ in range(segments):
        state, out = model.segment(start, inputs)
        right.append((out.logits.argmax(-1) == labels).all(-1))
    return state, torch.stack(right)

# %% q5-segments wrong: compares cells and forgets the boards
def run_segments(model, inputs, labels, segments):
    state, right = model.initial_state(len(inputs)), []
    for _ in range(segments):
        state, out = model.segment(state, inputs)
        right.append(out.logits.argmax(-1) == labels)
    return state, torch.stack(right)

# %% q5-segments wrong: reads the answer out of the state before the segment
def run_segments(model, inputs, labels, segments):
    state, right = model.initial_state(len(inputs)), []
    for _ in range(segments):
        out = model.read_out(state.z_H)
        right.append((out.logits.argmax(-1) == labels).all(-1))
        state, _ = model.segment(state, inputs)
    return state, torch.stack(right)

# %% q6-kinds wrong: one residual for all puzzles together
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

# %% q6-kinds wrong: calls a puzzle at rest when its answer no longer changes
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

# %% q6-kinds wrong: sorts well, but enters a puzzle that moves and is wrong
def four_kinds(model, inputs, labels, segments, threshold):
    state, right = run_segments(model, inputs, labels, segments)
    z, f = torch.stack(state, dim=1), model.segment_map(inputs)
    right = right[-1]
    rest = residual(f, z, batched=True) <= threshold
    masks = {
        "rest, right": rest & right,
        "rest, wrong": rest & ~right,
        "moving, right": ~rest & right,
        "moving, wrong": ~rest & ~right,
    }
    return {kind: mask.nonzero().flatten().tolist() for kind, mask in masks.items()}


rest_and_wrong = 18

# %% q7-rate wrong: returns the slope of the logarithm
def approach_factor(f, z0, steps, floor):
    residuals = np.array([residual(f, z).item() for z in orbit(f, z0, steps)])
    below = np.flatnonzero(residuals <= floor)
    n = below[0] if len(below) else len(residuals)
    step = np.arange(n // 2, n)
    return float(np.polyfit(step, np.log(residuals[step]), 1)[0])

# %% q7-rate wrong: forgets the floor
def approach_factor(f, z0, steps, floor):
    residuals = np.array([residual(f, z).item() for z in orbit(f, z0, steps)])
    step = np.arange(len(residuals) // 2, len(residuals))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = step - step.mean(), np.log(residuals[step])
        return float(np.exp((x * y).sum() / (x * x).sum()))

# %% q7-rate wrong: keeps the first half, where the fast direction is not yet gone
def approach_factor(f, z0, steps, floor):
    residuals = np.array([residual(f, z).item() for z in orbit(f, z0, steps)])
    below = np.flatnonzero(residuals <= floor)
    n = below[0] if len(below) else len(residuals)
    step = np.arange(n)
    return float(np.exp(np.polyfit(step, np.log(residuals[step]), 1)[0]))

# %% q9-suspects wrong: forgets to ask whether the cell errs alone
def blame(answers, solutions):
    wrong = answers != solutions
    return wrong.sum(0), wrong.sum(0)


suspect = int(culprit)

# %% q9-suspects wrong: takes the cell that is wrong most often
def blame(answers, solutions):
    wrong = answers != solutions
    alone = wrong & (wrong.sum(1, keepdims=True) == 1)
    return wrong.sum(0), alone.sum(0)


suspect = int(blame(class_answers, class_solutions)[0].argmax())

# %% q9-suspects wrong: counts along the wrong axis: one number a board
def blame(answers, solutions):
    wrong = answers != solutions
    return wrong.sum(1), (wrong.sum(1) == 1).astype(int)


suspect = int(culprit)

# %% q3-refill wrong: counts the age as well, as the chapter's loop does -> refilling counts no segment
def my_refill(slots, fresh, start):
    halted = slots["halted"]
    one, two = halted.view(-1, 1), halted.view(-1, 1, 1)
    new = {key: torch.where(one, fresh[key], slots[key]) for key in ("inputs", "labels")}
    new |= {key: torch.where(two, getattr(start, key), slots[key]) for key in ("z_H", "z_L")}
    return new | {"age": torch.where(halted, 0, slots["age"] + 1), "halted": halted}
