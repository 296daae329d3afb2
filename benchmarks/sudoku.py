"""Puzzles with one solution made per second on one core: python benchmarks/sudoku.py"""

from time import perf_counter

from hrm_course.tasks import Sudoku

ASKED = {
    (2, 2): ((8, 10), 8_000, 8_000),
    (2, 3): ((16, 20), 4_000, 2_000),
    (3, 3): ((30, 40), 1_000, 500),
}

for box, (blanks, n, wanted) in ASKED.items():
    rates = []
    for seed in range(3):
        start = perf_counter()
        Sudoku(box).generate(n, blanks, seed)
        rates.append(n / (perf_counter() - start))
    side = box[0] * box[1]
    print(
        f"{side}x{side}, {blanks[0]}-{blanks[1]} blanks: {max(rates):8,.0f} a second (wanted {wanted:,})"
    )
