# Check metrics after 24 hours
import asyncio
from llm_gateway.services.model_selector import get_model_selector

async def check_performance():
    selector = get_model_selector()
    metrics = await selector.get_model_recommendations("formatter")
    print(f"Performance data: {metrics['performance_data']}")

asyncio.run(check_performance())
