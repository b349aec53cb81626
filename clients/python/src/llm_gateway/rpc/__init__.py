"""The client of a gateway elsewhere, by gRPC; needs the extra `grpc`.

    from llm_gateway import LLMGateway

    with LLMGateway.connect("127.0.0.1:50051", plaintext=True) as gateway:
        for text in gateway.stream_generate(request).texts():
            print(text, end="")

client.py has all calls, async_client.py the same for coroutines, options.py
what a client is told of its gateway, and errors.py how calls fail.
"""
