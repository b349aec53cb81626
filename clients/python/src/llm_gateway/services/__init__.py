"""Models by what a node of a pipeline needs, as a running gateway chooses.

The modules have the names that programs import from `src.services` of the
gateway before this one; only the package is another:

    from llm_gateway.services.node_integration import get_node_client_factory

Where the gateway is, the environment says: see listeners.py.
"""
