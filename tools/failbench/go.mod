module llmgateway.dev/failbench

go 1.19
