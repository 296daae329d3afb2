# %% q1-tokens wrong
def my_tokens(text):
    return ["# SGo".index(mark) for mark in text.replace("\n", "")]


def my_text(tokens, size):
    marks = "".join("# SGo"[int(token)] for token in tokens)
    return "\n".join(marks[i : i + size] for i in range(0, len(marks), size))

# %% q1-tokens wrong
def my_tokens(text):
    return [" # SGo\n".index(mark) for mark in text]


def my_text(tokens, size):
    return "".join("## SGo"[int(token)] for token in tokens)

# %% q1-tokens wrong
def my_tokens(text):
    return ["# SGo".index(mark) + 1 for mark in text.replace("\n", "")]


def my_text(tokens, size):
    return "".join("## SGo"[int(token)] for token in tokens)

# %% q3-rounds wrong: around the edges
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    for n in range(free.size):
        if reached[goal]:
            return n
        near = np.zeros_like(free)
        for axis in (0, 1):
            near |= np.roll(reached, 1, axis) | np.roll(reached, -1, axis)
        reached = reached | (near & free)
    return -1

# %% q3-rounds wrong: diagonal steps
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    n, m = free.shape
    for count in range(free.size):
        if reached[goal]:
            return count
        wide = np.pad(reached, 1)
        near = np.zeros_like(free)
        for i in range(3):
            for j in range(3):
                near |= wide[i : i + n, j : j + m]
        reached = reached | (near & free)
    return -1

# %% q3-rounds wrong: the number of cells instead of -1
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    for n in range(free.size):
        if reached[goal]:
            return n
        wide = np.pad(reached, 1)
        near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
        reached = reached | (near & free)
    return free.size

# %% q4-supervision wrong: backpropagates through all segments
def my_supervision(f, theta, z0, y, segments):
    theta = theta.detach().clone().requires_grad_(True)
    z, loss = z0, 0.0
    for _ in range(segments):
        z = f(theta, z)
        loss = loss + (z - y).square().sum()
    return torch.autograd.grad(loss, theta)[0]

# %% q4-supervision wrong: the last loss only
def my_supervision(f, theta, z0, y, segments):
    theta = theta.detach().clone().requires_grad_(True)
    z = z0
    for _ in range(segments):
        z = f(theta, z.detach())
    return torch.autograd.grad((z - y).square().sum(), theta)[0]

# %% q4-supervision wrong: a mean instead of a sum
def my_supervision(f, theta, z0, y, segments):
    theta = theta.detach().clone().requires_grad_(True)
    z, loss = z0, 0.0
    for _ in range(segments):
        z = f(theta, z.detach())
        loss = loss + (z - y).square().mean()
    return torch.autograd.grad(loss, theta)[0]

# %% q5-refill wrong: forgets the state
def my_refill(halted, inputs, age, z, fresh, start):
    inputs = torch.where(halted.view(-1, 1), fresh, inputs)
    return inputs, torch.where(halted, 0, age), z

# %% q5-refill wrong: writes into what was handed in
def my_refill(halted, inputs, age, z, fresh, start):
    inputs[halted], age[halted], z[halted] = fresh[halted], 0, start[halted]
    return inputs, age, z

# %% q5-refill wrong: replaces the running ones
def my_refill(halted, inputs, age, z, fresh, start):
    inputs = torch.where(halted.view(-1, 1), inputs, fresh)
    age = torch.where(halted, age, 0)
    return inputs, age, torch.where(halted.view(-1, 1, 1), z, start)

# %% q6-auc wrong: ties count nothing
def my_auc(score, right):
    if right.all() or not right.any():
        return math.nan
    return (score[right].unsqueeze(1) > score[~right]).double().mean().item()

# %% q6-auc wrong: accuracy of the sign
def my_auc(score, right):
    if right.all() or not right.any():
        return math.nan
    told = torch.where(score == 0, 0.5, ((score > 0) == right).double())
    return told[score != 0].mean().item() if (score != 0).any() else 0.5

# %% q6-auc wrong: no care for a missing kind
def my_auc(score, right):
    gap = score[right].unsqueeze(1) - score[~right]
    return ((gap > 0).double() + (gap == 0).double() / 2).sum().item() / max(1, gap.numel())

# %% q7-rule wrong: the cost is forgotten
def my_rule(p, P, cost, last):
    V, stop = p.repeat(last, 1), torch.ones(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P @ V[n + 1]
        stop[n] = p >= go_on
        V[n] = torch.maximum(p, go_on)
    return V, stop

# %% q7-rule wrong: columns instead of rows
def my_rule(p, P, cost, last):
    V, stop = p.repeat(last, 1), torch.ones(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P.T @ V[n + 1] - cost
        stop[n] = p >= go_on
        V[n] = torch.maximum(p, go_on)
    return V, stop

# %% q7-rule wrong: looks one segment ahead only
def my_rule(p, P, cost, last):
    V, stop = p.repeat(last, 1), torch.ones(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P @ p - cost
        stop[n] = p >= go_on
        V[n] = torch.maximum(p, go_on)
    return V, stop

# %% q1-tokens wrong: spaces are lost -> spaces are free cells
def my_tokens(text):
    return ["# SGo".index(mark) + 1 for mark in "".join(text.split())]


def my_text(tokens, size):
    marks = "".join("## SGo"[int(token)] for token in tokens)
    return "\n".join(marks[i : i + size] for i in range(0, len(marks), size))

# %% q1-tokens wrong: nine cells a line, always -> with the size 3
def my_tokens(text):
    return ["# SGo".index(mark) + 1 for mark in text.replace("\n", "")]


def my_text(tokens, size):
    marks = "".join("## SGo"[int(token)] for token in tokens)
    return "\n".join(marks[i : i + 9] for i in range(0, len(marks), 9))

# %% q1-tokens wrong: a generator -> the check can't work with your answer
def my_tokens(text):
    return ("# SGo".index(mark) + 1 for mark in text.replace("\n", ""))

# %% q1-tokens right: a line break at the end, NumPy tokens
def my_tokens(text):
    return np.array(["# SGo".index(mark) + 1 for mark in text.replace("\n", "")])


def my_text(tokens, size):
    lines = np.array(list("## SGo"))[np.asarray(tokens)].reshape(-1, size)
    return "".join("".join(line) + "\n" for line in lines)

# %% q2-expected wrong: the mean of the hazards -> a hazard of 1 stops at once
def my_expected(hazards):
    return 1 / (sum(hazards) / len(hazards))

# %% q2-expected wrong: the last hazard counts -> without hazards all three run
def my_expected(hazards):
    came, total = 1.0, 0.0
    for n, hazard in enumerate(hazards, start=1):
        total += n * came * hazard
        came *= 1 - hazard
    return total

# %% q2-expected wrong: the chances to go on, without the first segment -> a hazard of 1 stops at once
def my_expected(hazards):
    reached, total = 1.0, 0.0
    for hazard in hazards:
        reached *= 1 - hazard
        total += reached
    return total

# %% q2-expected wrong: takes the hazards for plain probabilities -> a constant hazard h
def my_expected(hazards):
    stops = [*hazards[:-1], max(1 - sum(hazards[:-1]), 0)]
    return sum(n * share for n, share in enumerate(stops, start=1))

# %% q2-expected wrong: writes over the last hazard -> has changed `hazards`
def my_expected(hazards):
    hazards[-1] = 1.0
    came, total = 1.0, 0.0
    for n, hazard in enumerate(hazards, start=1):
        total += n * came * hazard
        came *= 1 - hazard
    return total

# %% q2-expected right: with tensors in single precision
def my_expected(hazards):
    go_on = 1 - torch.tensor(hazards)[:-1]
    return 1 + go_on.cumprod(0).sum()

# %% q3-rounds wrong: gives up after 20 rounds -> don't give up early
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    for n in range(20):
        if reached[goal]:
            return n
        wide = np.pad(reached, 1)
        near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
        reached = reached | (near & free)
    return -1

# %% q3-rounds wrong: gives up after three times the size -> don't give up early
def my_rounds(free, start, goal):
    reached = np.zeros_like(free)
    reached[start] = True
    for n in range(3 * max(free.shape)):
        if reached[goal]:
            return n
        wide = np.pad(reached, 1)
        near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
        reached = reached | (near & free)
    return -1

# %% q3-rounds wrong: waits for ever behind a wall -> does every loop in it come to an end
def my_rounds(free, start, goal):
    reached, n = np.zeros_like(free), 0
    reached[start] = True
    while not reached[goal]:
        wide = np.pad(reached, 1)
        near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
        reached, n = reached | (near & free), n + 1
    return n

# %% q3-rounds wrong: marks the cells in the maze itself -> has changed `free`
def my_rounds(free, start, goal):
    if start == goal:
        return 0
    free[start] = False
    return -1

# %% q3-rounds right: a queue, in a square maze
def my_rounds(free, start, goal):
    n, rounds, queue = len(free), {tuple(start): 0}, [tuple(start)]
    for i, j in queue:
        for cell in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            inside = 0 <= cell[0] < n and 0 <= cell[1] < n
            if inside and free[cell] and cell not in rounds:
                rounds[cell] = rounds[i, j] + 1
                queue.append(cell)
    return np.int64(rounds.get(tuple(goal), -1))

# %% q4-supervision wrong: the mean over the segments -> the losses are added up
def my_supervision(f, theta, z0, y, segments):
    theta = theta.detach().clone().requires_grad_(True)
    z, loss = z0, 0.0
    for _ in range(segments):
        z = f(theta, z.detach())
        loss = loss + (z - y).square().sum()
    return torch.autograd.grad(loss / segments, theta)[0]

# %% q4-supervision wrong: marks the theta that was handed in -> has changed `theta`
def my_supervision(f, theta, z0, y, segments):
    theta.requires_grad_(True)
    z = f(theta, z0)
    return torch.autograd.grad((z - y).square().sum(), theta)[0]

# %% q4-supervision right: segment by segment, with backward
def my_supervision(f, theta, z0, y, segments):
    theta, z = theta.detach().clone().requires_grad_(True), z0
    for _ in range(segments):
        z = f(theta, z.detach())
        ((z - y) ** 2).sum().backward()
    return theta.grad

# %% q5-refill wrong: ages as a column -> must keep its shape
def my_refill(halted, inputs, age, z, fresh, start):
    one = halted.view(-1, 1)
    return torch.where(one, fresh, inputs), torch.where(one, 0, age.view(-1, 1)), torch.where(one.unsqueeze(1), start, z)

# %% q5-refill wrong: tokens become floats -> and its type
def my_refill(halted, inputs, age, z, fresh, start):
    h = halted.float()
    inputs = h.view(-1, 1) * fresh + (1 - h).view(-1, 1) * inputs
    return inputs, torch.where(halted, 0, age), torch.where(halted.view(-1, 1, 1), start, z)

# %% q5-refill wrong: NumPy arrays -> is no tensor
def my_refill(halted, inputs, age, z, fresh, start):
    one = halted.view(-1, 1)
    return torch.where(one, fresh, inputs).numpy(), torch.where(halted, 0, age).numpy(), torch.where(one.unsqueeze(1), start, z).numpy()

# %% q5-refill right: copies, then writes into the copies
def my_refill(halted, inputs, age, z, fresh, start):
    inputs, age, z = inputs.clone(), age.clone(), z.clone()
    inputs[halted], age[halted], z[halted] = fresh[halted], 0, start[halted]
    return [inputs, age, z]

# %% q6-auc wrong: 0 without a right case -> without a right case there is no pair
def my_auc(score, right):
    if right.all():
        return math.nan
    if not right.any():
        return 0.0
    gap = score[right].unsqueeze(1) - score[~right]
    return ((gap > 0).double() + (gap == 0).double() / 2).mean().item()

# %% q6-auc wrong: divides by the number of pairs, whatever it is -> `my_auc` raised ZeroDivisionError
def my_auc(score, right):
    good, bad = score[right].tolist(), score[~right].tolist()
    return sum((a > b) + (a == b) / 2 for a in good for b in bad) / (len(good) * len(bad))

# %% q6-auc right: in single precision
def my_auc(score, right):
    gap = score[right].unsqueeze(1) - score[~right]
    return ((gap > 0).float() + (gap == 0).float() / 2).mean().item()

# %% q7-rule wrong: goes on in a tie -> in a tie stop
def my_rule(p, P, cost, last):
    V, stop = p.repeat(last, 1), torch.ones(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P @ V[n + 1] - cost
        stop[n] = p > go_on
        V[n] = torch.maximum(p, go_on)
    return V, stop

# %% q7-rule wrong: the table says where to go on -> after the last segment one must stop
def my_rule(p, P, cost, last):
    V, go = p.repeat(last, 1), torch.zeros(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P @ V[n + 1] - cost
        go[n] = p < go_on
        V[n] = torch.maximum(p, go_on)
    return V, go

# %% q7-rule wrong: the table says where to go on, but for its last row -> true means stop
def my_rule(p, P, cost, last):
    V, go = p.repeat(last, 1), torch.ones(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P @ V[n + 1] - cost
        go[n] = p < go_on
        V[n] = torch.maximum(p, go_on)
    return V, go

# %% q7-rule wrong: two states only -> the table V must have the shape
def my_rule(p, P, cost, last):
    V, stop = torch.zeros(last, 2).double(), torch.ones(last, 2, dtype=torch.bool)
    V[:] = p[:2]
    for n in reversed(range(last - 1)):
        go_on = P[:2, :2] @ V[n + 1] - cost
        stop[n] = p[:2] >= go_on
        V[n] = torch.maximum(p[:2], go_on)
    return V, stop

# %% q7-rule right: lists of rows in single precision, whole numbers in the table
def my_rule(p, P, cost, last):
    V, stop = [p.float()], [torch.ones(len(p))]
    for _ in range(last - 1):
        go_on = P.float() @ V[0] - cost
        stop.insert(0, (p >= go_on - 1e-7).int())
        V.insert(0, torch.maximum(p.float(), go_on))
    return V, stop
