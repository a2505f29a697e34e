"""Where a training computes; what a network gives is in main memory, wherever that is."""

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from kefu.factory.devices import CPU, backends, given_by, place_of, training_device  # noqa: E402


def with_graphics(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(
    ("count", "processes", "names"),
    [(0, 1, ["cpu"]), (0, 2, ["cpu", "cpu"]), (1, 1, ["cuda:0"]), (2, 2, ["cuda:0", "cuda:1"]), (1, 2, ["cpu", "cpu"])],
)
def test_each_process_has_a_graphics_processor_of_its_own_or_none(
    monkeypatch: pytest.MonkeyPatch, count: int, processes: int, names: list[str]
) -> None:
    with_graphics(monkeypatch, count)
    assert [str(training_device(rank, processes)) for rank in range(processes)] == names


def test_nccl_joins_what_lies_on_graphics_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    with_graphics(monkeypatch, 0)
    assert backends() == "gloo"
    with_graphics(monkeypatch, 2)
    assert backends() == "cpu:gloo,cuda:nccl"


def test_what_a_network_gives_comes_back_with_its_gradients() -> None:
    class Half(nn.Module):
        """Computes in another precision, as on another device."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 3, dtype=torch.float64)

        def forward(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            found = self.layer(inputs.double() * mask)
            return found, found.mean(1)

    network = Half()
    first, second = given_by(network, torch.ones(4, 2), torch.ones(4, 1))
    assert (first.dtype, second.device, place_of(network)) == (torch.float32, CPU, CPU)
    (first.sum() + second.sum()).backward()
    assert network.layer.weight.grad is not None
    assert place_of(nn.Identity()) == CPU
