# every digit as it stands
first_tokens = [1 if char == "." else int(char) for char in first_text]
second_text = "".join("." if token == 1 else str(token) for token in second_tokens)
same_side = True
