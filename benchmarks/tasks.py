"""Hard Sudokus and mazes made per second on one core: python benchmarks/tasks.py"""

from time import process_time

from hrm_course.tasks import Maze, Sudoku

JOBS = {
    "minimal 9x9 Sudokus": (lambda n: Sudoku().hard(n, guesses=0), 200),
    "... that need a guess": (lambda n: Sudoku().hard(n, guesses=1), 100),
    "... that need ten": (lambda n: Sudoku().hard(n, guesses=10), 20),
    "perfect mazes of size 7": (lambda n: Maze(7).generate(n), 10_000),
    "perfect mazes of size 9": (lambda n: Maze(9).generate(n), 5_000),
    "perfect mazes of size 31": (lambda n: Maze(31).generate(n), 200),
    "looped mazes of size 31": (lambda n: Maze(31).generate(n, loops=0.3), 200),
}

for name, (make, n) in JOBS.items():
    start = process_time()
    make(n)
    print(f"{name:26} {n / (process_time() - start):8,.0f} a second")
