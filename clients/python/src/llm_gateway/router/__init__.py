"""The prompt router as it runs in a process of its users: a ledger of hashes,
budgets of tokens, a circuit breaker, and providers.

LLMGateway, of llm_gateway.gateway, is its face.
"""
