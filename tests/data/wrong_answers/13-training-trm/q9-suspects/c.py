# counts along the wrong axis: one number a board
def blame(answers, solutions):
    wrong = answers != solutions
    return wrong.sum(1), (wrong.sum(1) == 1).astype(int)


suspect = int(culprit)
