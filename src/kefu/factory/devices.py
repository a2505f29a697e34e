"""Where a training computes: on graphics processors where PyTorch finds some, else on the processors.

Only the network and its gradients lie there. What a lesson reads and compares stays in main memory, so that lessons,
checkpoints and exports are the same wherever a network was taught. CUDA_VISIBLE_DEVICES (empty for none) chooses.
"""

import torch
from torch import Tensor, nn

CPU = torch.device("cpu")


def training_device(rank: int, processes: int) -> torch.device:
    """The device of one of several processes: a graphics processor of its own, or the CPU where there are too few.

    Two processes on one graphics processor would wait for each other, and NCCL refuses them.
    """
    if not torch.cuda.is_available() or processes > torch.cuda.device_count():
        return CPU
    return torch.device("cuda", rank)


def backends() -> str:
    """What joins processes: NCCL for tensors of graphics processors where there are some, gloo for all others."""
    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"


def place_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next((each.device for each in network.parameters()), CPU)


def given_by(network: nn.Module, inputs: Tensor, mask: Tensor, *, bf16: bool = False) -> tuple[Tensor, Tensor]:
    """What a network gives for inputs in main memory, in float32 and main memory; gradients find their way back."""
    device = place_of(network)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        first, second = network(inputs.to(device), mask.to(device))
    return first.float().to(CPU), second.float().to(CPU)


def has_bfloat16() -> bool:
    """Whether it is multiplied in bfloat16 here; a processor that does not would emulate it, at half the speed."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
