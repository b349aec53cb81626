# Test script: test_gateway_init.py
import asyncio
from llm_gateway.services.gateway import get_llm_gateway
from llm_gateway.services.model_policy import get_model_policy_registry
from llm_gateway.services.model_selector import SelectionContext, get_model_selector

async def test_gateway():
    # Test policy registry
    registry = get_model_policy_registry()
    policies = registry.get_all_policies()
    print(f"Loaded {len(policies)} policies")

    # Test model selector
    selector = get_model_selector()
    result = await selector.select_model(
        SelectionContext(node_name="test", capabilities=["streaming"])
    )
    print(f"Selected model: {result.selected_model.logical_id}")

    # Test gateway health
    gateway = get_llm_gateway()
    health = await gateway.health_check()
    print(f"Gateway health: {health['overall_status']}")

# Run test
asyncio.run(test_gateway())
