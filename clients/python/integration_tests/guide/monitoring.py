# monitoring.py
import logging
from llm_gateway.services.tracing import get_tracer

# Set up structured logging
logging.basicConfig(
    level=logging.INFO,
    format='%(asctime)s %(name)s %(levelname)s %(message)s'
)

# Monitor key metrics
async def monitor_gateway():
    tracer = get_tracer()
    metrics = await tracer.get_trace_metrics(hours=1)

    if metrics.get("error_rate", 0) > 0.05:  # 5% error rate
        logging.error(f"High error rate: {metrics['error_rate']}")

    if metrics.get("avg_duration_ms", 0) > 5000:  # 5s latency
        logging.warning(f"High latency: {metrics['avg_duration_ms']}ms")
