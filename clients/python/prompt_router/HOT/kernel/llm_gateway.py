"""LLM Gateway: a pipe that logs, sends, logs and counts.

    from llm_gateway import LLMGateway, PromptRequest

The modules that it is made of are those of the distribution llm-gateway, in
the folder `llm_gateway_parts` beside this file. They need nothing but Python.
"""

import pathlib

# So that `llm_gateway.gateway` and `llm_gateway.router` are found there.
__path__ = [str(pathlib.Path(__file__).with_name("llm_gateway_parts"))]

from llm_gateway.gateway import *  # noqa: F403
from llm_gateway.gateway import LLMGateway, __all__  # noqa: F401

# Backward-compatibility alias
PromptRouter = LLMGateway
