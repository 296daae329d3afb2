"""Several starts and what chooses among them, against brute force."""

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrm_course.models import (
    TRM,
    TRMConfig,
    by_halting_head,
    by_residual,
    by_rules,
    by_vote,
    from_starts,
    pass_at_k,
)


def model():
    torch.manual_seed(0)
    shape = dict(hidden_size=8, num_heads=2, mixer="tokens", position_code="none")
    return TRM(TRMConfig(vocab_size=5, seq_len=6, H_cycles=1, L_cycles=1, **shape))


def test_the_first_start_is_the_usual_one_and_the_others_are_drawn_in_turn():
    net, inputs = model(), torch.randint(5, (4, 6), generator=torch.Generator().manual_seed(1))
    traces = list(from_starts(net, inputs, 3, 3, torch.Generator().manual_seed(2)))
    generator = torch.Generator().manual_seed(2)
    states = [None, net.random_state(4, generator), net.random_state(4, generator)]
    for trace, state in zip(traces, states, strict=True):
        want = net.solve(inputs, 3, trace=True, state=state).trace
        assert all(map(torch.equal, vars(trace).values(), vars(want).values()))
    assert not traces[1].residual.equal(traces[2].residual)
    with pytest.raises(ValueError, match="at least one start, not 0"):
        next(from_starts(net, inputs, 3, 0, generator))


def test_the_surest_and_the_calmest_start_of_each_board():
    scores = torch.tensor([[1.0, -2.0, 3.0], [2.0, -1.0, 3.0], [0.0, -3.0, 3.0]])
    assert by_halting_head(scores).tolist() == [1, 1, 0]
    assert by_residual(scores).tolist() == [2, 2, 0]
    for rows in (torch.zeros(3), torch.zeros(0, 3)):
        with pytest.raises(ValueError, match=r"must be \[starts, B\], a row for each start, not"):
            by_halting_head(rows)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 10**6))
def test_a_vote_is_counted_by_whole_answers(starts, boards, seed):
    tokens = torch.randint(2, (starts, boards, 3), generator=torch.Generator().manual_seed(seed))
    for board, chosen in enumerate(by_vote(tokens).tolist()):
        answers = [tuple(answer) for answer in tokens[:, board].tolist()]
        counts = [answers.count(answer) for answer in answers]
        assert chosen == counts.index(max(counts))


def test_rules_choose_the_first_legal_answer_and_else_ask_somebody_else():
    legal = torch.tensor([[False, False, True], [True, False, True]])
    assert by_rules(legal, torch.tensor([0, 1, 1])).tolist() == [1, 1, 0]


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_all_choices_that_hold_a_right_one(n, data):
    k, right = data.draw(st.integers(1, n)), data.draw(st.integers(0, n))
    choices = list(combinations(range(n), k))  # attempts 0 to right - 1 are the right ones
    share = sum(min(choice) < right for choice in choices) / len(choices)
    assert pass_at_k(torch.tensor(right), n, k).item() == pytest.approx(share)


def test_pass_at_k_of_a_thousand_attempts():
    found = pass_at_k(torch.tensor([0, 1, 500, 1000]), 1000, 500)
    assert found.tolist() == pytest.approx([0, 0.5, 1, 1])
    for right, k, words in ((0, 0, "must lie in 1..9, not 0"), (0, 10, "in 1..9, not 10")):
        with pytest.raises(ValueError, match=words):
            pass_at_k(torch.tensor(right), 9, k)
    for right in (torch.tensor([3, 10]), torch.tensor(-1), torch.tensor(0.5)):
        with pytest.raises(ValueError, match="whole numbers from 0 to 9"):
            pass_at_k(right, 9, 2)
