#!/bin/bash
# test-gateway.sh - Validate gateway functionality

set -e

echo "🔍 Testing LLM Gateway..."

# Start daemon
echo "Starting daemon..."
cco daemon restart
sleep 3

# Check gateway port
GATEWAY_PORT=$(cat ~/.cco/daemon.pid | jq -r .gateway_port)
if [ -z "$GATEWAY_PORT" ] || [ "$GATEWAY_PORT" = "null" ]; then
    echo "❌ Gateway port not found in PID file"
    exit 1
fi
echo "✅ Gateway port: $GATEWAY_PORT"

# Test health endpoint
echo "Testing health endpoint..."
HEALTH=$(curl -s http://127.0.0.1:$GATEWAY_PORT/gateway/health)
STATUS=$(echo $HEALTH | jq -r .status)
if [ "$STATUS" != "healthy" ]; then
    echo "❌ Gateway health check failed: $STATUS"
    exit 1
fi
echo "✅ Gateway healthy"

# Test metrics endpoint
echo "Testing metrics endpoint..."
METRICS=$(curl -s http://127.0.0.1:$GATEWAY_PORT/gateway/metrics)
TOTAL=$(echo $METRICS | jq -r .summary.total_requests)
echo "✅ Metrics endpoint working (total requests: $TOTAL)"

# Test providers endpoint
echo "Testing providers endpoint..."
PROVIDERS=$(curl -s http://127.0.0.1:$GATEWAY_PORT/gateway/providers)
echo "✅ Providers: $(echo $PROVIDERS | jq -r '.providers[].name' | tr '\n' ', ')"

echo "🎉 All gateway tests passed!"
