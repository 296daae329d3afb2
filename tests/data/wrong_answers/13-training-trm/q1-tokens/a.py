# a blank as 0, the number of padding
first_tokens = [0 if char == "." else int(char) + 1 for char in first_text]
second_text = "".join("." if token == 1 else str(token - 1) for token in second_tokens)
same_side = True
