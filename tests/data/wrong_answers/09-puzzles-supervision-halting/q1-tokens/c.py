def my_tokens(text):
    return ["# SGo".index(mark) + 1 for mark in text.replace("\n", "")]


def my_text(tokens, size):
    return "".join("## SGo"[int(token)] for token in tokens)
