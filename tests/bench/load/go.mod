module llmgateway.dev/tests/bench/load

go 1.19
