module llmgateway.dev/tests/bench/overload

go 1.19
