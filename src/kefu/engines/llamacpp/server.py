"""The generator's own process: llama.cpp's HTTP server on a free loopback port.

Run by `process.py` as `python -m kefu.engines.llamacpp.server`. It reads one JSON line of parameters from standard
input, answers with one JSON line (`{"address"}` or `{"error"}`), and serves until standard input ends, which happens
when the parent closes it, or dies in any way.
"""

import json
import os
import sys
from typing import Any

# Tokens of a prompt that are computed between two looks at whether the caller is still there: a quarter of a second
# for a model of 135 million parameters, a few for one of 1.5 billion, at no loss of speed on a CPU.
PROMPT_BATCH = 256


def main() -> None:
    answers = _own_output()
    asked = json.loads(_first_line())
    try:
        os.nice(asked["nice"])
        server = _start(asked)
    except Exception as error:  # told to the parent, who says it in its own words
        _tell(answers, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)
    _tell(answers, {"address": server.listening_address})
    while os.read(0, 4096):
        pass
    # Its destructor waits for open connections; nobody is left to read them.
    os._exit(0)


def _start(asked: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = asked["path"]
    params.model_alias = {asked["name"]}
    params.n_ctx = asked["context"] * asked["parallel"]  # it is shared out among the slots
    params.n_parallel = asked["parallel"]
    params.n_batch = params.n_ubatch = PROMPT_BATCH
    params.cpuparams.n_threads = asked["threads"]
    params.cache_prompt = True
    params.cache_ram_mib = asked["cache_megabytes"]
    params.fit_params = False  # it would change the context to what memory is free at this moment
    params.use_jinja = True  # the chat template inside the GGUF
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [asked["key"]]
    params.ui = False
    params.endpoint_slots = False  # it shows prompts
    params.verbosity = -1  # its log quotes prompts
    return xllamacpp.Server(params)


def _own_output() -> int:
    """A private copy of standard output; what a library prints goes to standard error."""
    copy = os.dup(1)
    os.dup2(2, 1)
    return copy


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit("no parameters were given")
        line += byte
    return line


def _tell(answers: int, message: dict[str, Any]) -> None:
    os.write(answers, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
