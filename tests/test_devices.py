"""Devices that exist, threads by layer sizes, and the caller's thread count put back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import torch

from sklearn_sifal._devices import limited_threads, resolve_device, threads_by_size


class TestResolveDevice:
    def test_cpu(self) -> None:
        assert resolve_device("cpu") == torch.device("cpu")

    @pytest.mark.parametrize(
        "cuda, mps, expected",
        [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps"), (True, True, "cuda")],
    )
    def test_auto(
        self, monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        assert resolve_device("auto") == torch.device(expected)

    def test_number_of_the_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert resolve_device("cuda:1") == torch.device("cuda:1")
        with pytest.raises(ValueError, match="not available here: 'cuda:2'"):
            resolve_device("cuda:2")

    @pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
    def test_absent(self, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        with pytest.raises(
            ValueError, match=f"not available here: '{device}'.*Use 'cpu', or 'auto'"
        ):
            resolve_device(device)

    @pytest.mark.parametrize("device", ["gpu", "", None, "cpu:x"])
    def test_unknown(self, device: Any) -> None:
        with pytest.raises(ValueError, match="'device' parameter must be 'auto' or a torch device"):
            resolve_device(device)

    def test_devices_without_numbers_are_refused(self) -> None:
        with pytest.raises(ValueError, match="not available here: 'meta'"):
            resolve_device("meta")


class TestThreadsBySize:
    @pytest.mark.parametrize(
        "sizes, sparse_input, expected",
        [
            ((784, 256, 10), False, 1),
            ((1_000_000, 128, 77), True, 1),
            ((1_000_000, 128, 77), False, 4),
            ((784, 1024, 10), False, 1),
            ((2048, 1024, 2), False, 3),
            ((1024, 1024, 2), False, 2),
            ((2048, 1024, 2), True, 1),
            ((10, 2), False, 1),
        ],
    )
    def test_by_the_layer_sizes(
        self, sizes: tuple[int, ...], sparse_input: bool, expected: int
    ) -> None:
        assert threads_by_size(sizes, sparse_input=sparse_input) == expected


class TestLimitedThreads:
    @pytest.fixture(autouse=True)
    def three_before(self) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(3)
        yield
        torch.set_num_threads(before)

    def test_set_and_restored(self) -> None:
        with limited_threads(2):
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 3

    def test_restored_after_an_error(self) -> None:
        with pytest.raises(ZeroDivisionError), limited_threads(2):
            raise ZeroDivisionError
        assert torch.get_num_threads() == 3

    def test_nested_blocks_end_with_the_count_of_the_caller(self) -> None:
        with limited_threads(1), limited_threads(2), limited_threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3

    def test_an_inner_block_leaves_the_outer_one_its_count(self) -> None:
        with limited_threads(1):
            with limited_threads(2):
                pass
            assert torch.get_num_threads() == 1
            with pytest.raises(ZeroDivisionError), limited_threads(2):
                raise ZeroDivisionError
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3

    def test_overlapping_blocks_of_threads(self) -> None:
        """The first to come in is not the last to go."""
        barrier = Barrier(2, timeout=10)

        def first() -> None:
            with limited_threads(1):
                barrier.wait()  # the second comes in
                barrier.wait()
            barrier.wait()  # the second goes

        def second() -> None:
            barrier.wait()
            with limited_threads(2):
                barrier.wait()
                barrier.wait()

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(first), pool.submit(second)]:
                done.result()
            assert {pool.submit(torch.get_num_threads).result() for _ in range(4)} == {3}
        assert torch.get_num_threads() == 3

    def test_a_change_between_blocks_is_the_new_count(self) -> None:
        with limited_threads(1):
            pass
        torch.set_num_threads(2)
        with limited_threads(1):
            pass
        assert torch.get_num_threads() == 2
