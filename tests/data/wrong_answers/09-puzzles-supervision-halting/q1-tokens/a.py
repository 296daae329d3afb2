def my_tokens(text):
    return ["# SGo".index(mark) for mark in text.replace("\n", "")]


def my_text(tokens, size):
    marks = "".join("# SGo"[int(token)] for token in tokens)
    return "\n".join(marks[i : i + size] for i in range(0, len(marks), size))
