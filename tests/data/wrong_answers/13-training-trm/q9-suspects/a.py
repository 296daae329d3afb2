# forgets to ask whether the cell errs alone
def blame(answers, solutions):
    wrong = answers != solutions
    return wrong.sum(0), wrong.sum(0)


suspect = int(culprit)
