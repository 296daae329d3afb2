# %% q3-stablemax wrong
def my_stablemax(v):
    s = torch.where(v >= 0, 1 + v, 1 / (1 - v + 1e-30))
    return s / s.sum(-1, keepdim=True)

# %% q3-stablemax wrong
def my_stablemax(v):
    return v.softmax(-1)

# %% q3-stablemax wrong
def my_stablemax(v):
    s = torch.where(v >= 0, 1 + v.clamp(min=0), 1 / (1 - v.clamp(max=0)))
    return s / s.sum()

# %% q4-adam wrong: the correction inside, as in the paper
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        theta = (1 - eta * decay) * theta
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        root = (v / (1 - b2**t)).sqrt()
        theta = theta - eta * torch.atan2(m / (1 - b1**t), root)
    return theta

# %% q4-adam wrong: decay of the gradient instead of the parameter
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        g = g + decay * theta
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        root = (v / (1 - b2**t)).sqrt()
        theta = theta - eta / (1 - b1**t) * torch.atan2(m, root)
    return theta

# %% q4-adam wrong: plain Adam with an epsilon
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    length = eta / 0.1 * math.atan(0.1) if len(gradients) == 1 else eta
    for t, g in enumerate(gradients, start=1):
        theta = (1 - eta * decay) * theta
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        root = (v / (1 - b2**t)).sqrt()
        theta = theta - length * (m / (1 - b1**t)) / (root + 1e-9)
    return theta

# %% q5-segment wrong: backpropagates through everything
def my_segment(model, z_H, z_L, x):
    for _ in range(model.config.H_cycles):
        for _ in range(model.config.L_cycles):
            z_L = model.L_network(z_L, z_H, x)
        z_H = model.H_network(z_H, z_L)
    return z_H, z_L

# %% q5-segment wrong: one fast step too few
def my_segment(model, z_H, z_L, x):
    c = model.config
    with torch.no_grad():
        for _ in range(c.H_cycles - 1):
            for _ in range(c.L_cycles):
                z_L = model.L_network(z_L, z_H, x)
            z_H = model.H_network(z_H, z_L)
        for _ in range(c.L_cycles - 2):
            z_L = model.L_network(z_L, z_H, x)
    z_L = model.L_network(z_L, z_H, x)
    return model.H_network(z_H, z_L), z_L

# %% q5-segment wrong: the slow state goes first
def my_segment(model, z_H, z_L, x):
    c = model.config
    with torch.no_grad():
        for _ in range(c.H_cycles - 1):
            z_H = model.H_network(z_H, z_L)
            for _ in range(c.L_cycles):
                z_L = model.L_network(z_L, z_H, x)
        for _ in range(c.L_cycles - 1):
            z_L = model.L_network(z_L, z_H, x)
    z_L = model.L_network(z_L, z_H, x)
    z_H = model.H_network(z_H, z_L)
    return z_H, z_L

# %% q6-targets wrong: logits as they are
def my_targets(correct, halt_ahead, continue_ahead, last):
    best = torch.maximum(halt_ahead, continue_ahead)
    return correct.float(), torch.where(last, halt_ahead, best)

# %% q6-targets wrong: the last segment is like the others
def my_targets(correct, halt_ahead, continue_ahead, last):
    best = torch.maximum(halt_ahead, continue_ahead)
    return correct.float(), best.sigmoid()

# %% q6-targets wrong: the mean instead of the better one
def my_targets(correct, halt_ahead, continue_ahead, last):
    mean = (halt_ahead.sigmoid() + continue_ahead.sigmoid()) / 2
    return correct.float(), torch.where(last, halt_ahead.sigmoid(), mean)

# %% q7-age wrong: 0 where nobody is
def my_by_age(right, age, segments):
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    count = torch.bincount(age, minlength=segments + 1)
    return (hits / count.clamp(min=1))[1 : segments + 1]

# %% q7-age wrong: shares of all slots
def my_by_age(right, age, segments):
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    count = torch.bincount(age, minlength=segments + 1)
    return torch.where(count > 0, hits / len(age), torch.nan)[1 : segments + 1]

# %% q7-age wrong: ages from 0
def my_by_age(right, age, segments):
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    return hits / torch.bincount(age, minlength=segments + 1)

# %% q1-cell wrong: softmax -> the loss of softmax
loss_of_cell = -math.log(math.exp(up) / (math.exp(up) + 8 * math.exp(down)))

# %% q1-cell wrong: the probability itself, with its sign -> it is positive
loss_of_cell = math.log((1 + up) / (1 + up + 8 / (1 - down)))

# %% q1-cell wrong: only eight terms in the sum -> the sum in the denominator has nine terms
loss_of_cell = -math.log((1 + up) / (1 + up + 7 / (1 - down)))

# %% q1-cell wrong: the logarithm with base 10 -> the logarithm with base 10
loss_of_cell = -math.log10((1 + up) / (1 + up + 8 / (1 - down)))

# %% q1-cell wrong: rounded -> not a rounded number
loss_of_cell = round(-math.log((1 + up) / (1 + up + 8 / (1 - down))), 2)

# %% q1-cell wrong: text -> not a value of type str
loss_of_cell = "-log p"

# %% q1-cell right: in single precision
loss_of_cell = -(torch.tensor(1 + up) / torch.tensor(1 + up + 8 / (1 - down))).log()

# %% q2-first wrong: with the sign of the gradient -> so the parameter grows
change = -eta / (1 - b1) * math.atan(1 - b1)

# %% q2-first wrong: plain descent -> does not enter the step
change = eta * 250

# %% q2-first wrong: the correction inside, as in the paper -> stands outside of the arc tangent
change = eta * math.atan(1)

# %% q2-first wrong: the correction is forgotten -> stands outside of the arc tangent
change = eta * math.atan(1 - b1)

# %% q2-first right: in single precision
change = (eta / (1 - b1) * torch.tensor(1 - b1).atan()).item()

# %% q3-stablemax wrong: clamped to plus and minus 50 -> don't clamp where it changes a value
def my_stablemax(v):
    v = v.clamp(-50, 50)
    s = torch.where(v >= 0, 1 + v.clamp(min=0), 1 / (1 - v.clamp(max=0)))
    return s / s.sum(-1, keepdim=True)

# %% q3-stablemax wrong: the sum is detached -> the sum in the denominator depends on the logits
def my_stablemax(v):
    s = torch.where(v >= 0, 1 + v.clamp(min=0), 1 / (1 - v.clamp(max=0)))
    return s / s.sum(-1, keepdim=True).detach()

# %% q3-stablemax wrong: without a graph -> carry no graph
def my_stablemax(v):
    s = torch.where(v >= 0, 1 + v.clamp(min=0), 1 / (1 - v.clamp(max=0)))
    return (s / s.sum(-1, keepdim=True)).detach()

# %% q3-stablemax right: with absolute values
def my_stablemax(v):
    s = (1 + v.abs()) ** torch.where(v >= 0, 1.0, -1.0).to(v.dtype)
    return s / s.sum(-1, keepdim=True)

# %% q4-adam wrong: changes theta in place -> has changed `theta`
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        theta *= 1 - eta * decay
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        theta -= eta / (1 - b1**t) * torch.atan2(m, (v / (1 - b2**t)).sqrt())
    return theta

# %% q4-adam wrong: divides zero by zero -> there is a NaN in it
def my_adam(theta, gradients, eta, b1, b2, decay):
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        theta = (1 - eta * decay) * theta
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        theta = theta - eta / (1 - b1**t) * torch.atan(m / (v / (1 - b2**t)).sqrt())
    return theta

# %% q4-adam wrong: all places of the path -> must have the shape
def my_adam(theta, gradients, eta, b1, b2, decay):
    return gradients.cumsum(0)

# %% q5-segment wrong: hard-coded numbers of cycles and steps -> yours are
def my_segment(model, z_H, z_L, x):
    with torch.no_grad():
        for _ in range(3):
            z_L = model.L_network(z_L, z_H, x)
        z_H = model.H_network(z_H, z_L)
        for _ in range(2):
            z_L = model.L_network(z_L, z_H, x)
    z_L = model.L_network(z_L, z_H, x)
    return model.H_network(z_H, z_L), z_L

# %% q5-segment wrong: the puzzle is cut off -> reach all that they use, x too
def my_segment(model, z_H, z_L, x):
    c, x = model.config, x.detach()
    with torch.no_grad():
        for n in range(c.H_cycles * c.L_cycles - 1):
            z_L = model.L_network(z_L, z_H, x)
            if (n + 1) % c.L_cycles == 0:
                z_H = model.H_network(z_H, z_L)
    z_L = model.L_network(z_L, z_H, x)
    return model.H_network(z_H, z_L), z_L

# %% q5-segment wrong: the result is cut off -> don't detach what you return
def my_segment(model, z_H, z_L, x):
    c = model.config
    for _ in range(c.H_cycles):
        for _ in range(c.L_cycles):
            z_L = model.L_network(z_L, z_H, x)
        z_H = model.H_network(z_H, z_L)
    return z_H.detach(), z_L.detach()

# %% q5-segment right: detached before the last two calls, instead of no_grad
def my_segment(model, z_H, z_L, x):
    c = model.config
    for i in range(c.H_cycles):
        for n in range(c.L_cycles):
            z_L = model.L_network(z_L.detach(), z_H.detach(), x)
        z_H = model.H_network(z_H.detach(), z_L)
    return z_H, z_L

# %% q6-targets wrong: nothing to gain in the last segment -> what counts is the value of halting
def my_targets(correct, halt_ahead, continue_ahead, last):
    best = torch.maximum(halt_ahead, continue_ahead).sigmoid()
    return correct.float(), torch.where(last, 0.0, best)

# %% q6-targets wrong: changes the logits in place -> has changed `continue_ahead`
def my_targets(correct, halt_ahead, continue_ahead, last):
    continue_ahead[last] = halt_ahead[last]
    return correct.float(), torch.maximum(halt_ahead, continue_ahead).sigmoid()

# %% q6-targets wrong: one number for all -> must have the shape
def my_targets(correct, halt_ahead, continue_ahead, last):
    return correct.float(), 0.5

# %% q6-targets right: lists
def my_targets(correct, halt_ahead, continue_ahead, last):
    best = torch.where(last, halt_ahead, torch.maximum(halt_ahead, continue_ahead))
    return correct.tolist(), best.sigmoid().tolist()

# %% q7-age wrong: as long as the largest age -> whatever the largest age is
def my_by_age(right, age, segments):
    return (torch.bincount(age, weights=right.double()) / torch.bincount(age))[1:]

# %% q7-age wrong: an older slot counts for the last segment -> an older slot counts nowhere
def my_by_age(right, age, segments):
    age = age.clamp(max=segments)
    hits = torch.bincount(age, weights=right.double(), minlength=segments + 1)
    return (hits / torch.bincount(age, minlength=segments + 1))[1:]

# %% q7-age wrong: changes the ages in place -> has changed `age`
def my_by_age(right, age, segments):
    age -= 1
    hits = torch.bincount(age, weights=right.double(), minlength=segments)
    return hits / torch.bincount(age, minlength=segments)

# %% q7-age right: age by age, in single precision
def my_by_age(right, age, segments):
    return torch.stack([right[age == n].float().mean() for n in range(1, segments + 1)])
