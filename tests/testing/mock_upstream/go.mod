module llmgateway.dev/tests/mock_upstream

go 1.19
