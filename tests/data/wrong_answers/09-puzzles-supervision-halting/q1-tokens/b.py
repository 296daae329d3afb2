def my_tokens(text):
    return [" # SGo\n".index(mark) for mark in text]


def my_text(tokens, size):
    return "".join("## SGo"[int(token)] for token in tokens)
