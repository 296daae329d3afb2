# right both ways, but judges the split by the puzzles instead of their solutions
first_tokens = [1 if char == "." else int(char) + 1 for char in first_text]
second_text = "".join("." if token == 1 else str(token - 1) for token in second_tokens)
same_side = not bool((small.solve(puzzle[0]) == small.solve(other[0])).all())
