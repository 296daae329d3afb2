import sys

from timed import main, slowest

REPORT = """<testsuites><testsuite>
<testcase classname="book.01-maps.ipynb" name="Cell 0" time="2"/>
<testcase classname="book.01-maps.ipynb" name="Cell 1" time="3"/>
<testcase classname="tests.test_a" name="test_x[1]" time="4"/>
<testcase classname="tests.test_a" name="test_y" time="0.5"/>
</testsuite></testsuites>"""


def test_cells_of_a_notebook_are_one_row_and_the_slowest_comes_first(tmp_path):
    (tmp_path / "tests.xml").write_text(REPORT)
    assert slowest(tmp_path) == [
        ("book.01-maps.ipynb", 5.0),
        ("tests.test_a::test_x[1]", 4.0),
        ("tests.test_a::test_y", 0.5),
    ]


def test_it_hands_on_the_status_and_counts_what_children_used(tmp_path, capfd):
    (tmp_path / "old.xml").write_text(REPORT)
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))'])"
    assert main(str(tmp_path), sys.executable, "-c", f"{work}; sys.exit(3)") == 3
    out = capfd.readouterr().out
    assert "s of wall time and" in out and "01-maps" not in out
