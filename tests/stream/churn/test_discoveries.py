"""The false discovery rate."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.discoveries import discoveries, shares

# The example of Benjamini and Hochberg (1995), section 3.2: at 0.05 four of fifteen are rejected, by Bonferroni three.
PAPER = np.array(
    [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240),
        *(0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
)


def test_the_example_of_the_paper() -> None:
    assert discoveries(PAPER, np.ones(15), 0.05).tolist() == [True] * 4 + [False] * 11


def test_without_any_drop_one_evaluation_in_one_over_q_rejects() -> None:
    p = np.random.default_rng(1).uniform(size=(200_000, 6))
    weights = shares([(0.75, 1), (0.25, 5)])
    assert discoveries(p, weights, 0.01).any(-1).mean() == pytest.approx(0.01, rel=0.1)


def test_a_test_of_more_weight_needs_less_evidence() -> None:
    p = np.array([0.004, 0.004, 0.9, 0.9])
    assert discoveries(p, np.array([3.0, 0.2, 0.4, 0.4]), 0.01).tolist() == [True, False, False, False]


def test_what_was_not_tested_is_never_rejected_and_still_counts_as_a_test() -> None:
    p = np.array([0.004, np.nan])
    assert discoveries(p, np.ones(2), 0.01).tolist() == [True, False]
    assert not discoveries(np.array([0.006, np.nan]), np.ones(2), 0.01).any()
    assert not discoveries(np.full(3, np.nan), np.ones(3), 0.5).any()
