# After (formatter.py)
from llm_gateway.services.node_integration import get_node_client_factory
client_factory = get_node_client_factory()
model_client = client_factory.create_formatter_client("formatter")
