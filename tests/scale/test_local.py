"""Workers change the time, never the result."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from twinset.errors import InputError, StoppedError
from twinset.progress import check_time, time_limit
from twinset.scale.local import map_ordered, use_workers, workers


def slow_square(x):
    time.sleep(0.02 / (x + 1))
    return x * x


@pytest.mark.parametrize("n", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(n):
    with use_workers(n):
        assert list(map_ordered(slow_square, range(20))) == [x * x for x in range(20)]


def test_tasks_run_beside_each_other():
    both = threading.Barrier(2, timeout=10)
    with use_workers(2):
        assert len(list(map_ordered(lambda _: both.wait(), range(2)))) == 2


def test_a_long_stream_is_not_computed_ahead():
    begun = []
    with use_workers(2):
        results = map_ordered(begun.append, range(1_000))
        next(results)
        results.close()
    assert len(begun) <= 4


def test_products_of_matrices_take_one_thread():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    with use_workers(None), use_workers(2):
        assert blas_threads() == {1}
        assert list(map_ordered(lambda _: blas_threads(), range(3))) == [{1}] * 3
        assert blas_threads() == {1}
    assert blas_threads() == before


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_pools_do_not_nest_and_the_number_is_restored():
    with use_workers(3):
        assert workers() == 3
        assert list(map_ordered(lambda _: workers(), range(3))) == [1, 1, 1]
        assert workers() == 3


def test_an_error_of_a_task_is_raised_and_no_thread_stays():
    def fails(x):
        if x == 2:
            raise ValueError("two")
        return x

    with use_workers(2):
        results = map_ordered(fails, range(100))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(ValueError, match="two"):
            next(results)
    assert not [t for t in threading.enumerate() if t.name.startswith("twinset")]


def test_a_time_limit_holds_in_the_threads():
    with use_workers(2), time_limit(0), pytest.raises(StoppedError):
        list(map_ordered(lambda _: (time.sleep(0.01), check_time()), range(2)))


def test_no_workers_is_refused():
    with pytest.raises(InputError, match="number of workers"), use_workers(0):
        pass
