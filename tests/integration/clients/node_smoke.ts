// Calls a gateway through Node's stubs: node node_smoke.js ADDRESS.
//
// Prints what smoke.py checks.

import { credentials, Metadata, ServiceError, status } from "@grpc/grpc-js";

import { ErrorInfo } from "@llmgateway/stubs/google/rpc/error_details";
import { Status } from "@llmgateway/stubs/google/rpc/status";
import {
  finishReasonToJSON,
  Role,
} from "@llmgateway/stubs/llmgateway/v1/content";
import {
  GatewayServiceClient,
  GenerateEvent,
  GenerateRequest,
  GenerateResponse,
  streamEnd_OutcomeToJSON,
} from "@llmgateway/stubs/llmgateway/v1/gateway";

const TIMEOUT_MS = 30_000;

function prompt(providerId = ""): GenerateRequest {
  return GenerateRequest.fromPartial({
    model: "mock-model",
    messages: [
      {
        role: Role.ROLE_USER,
        parts: [{ kind: { $case: "text", value: "Hello" } }],
      },
    ],
    providerId,
  });
}

function call(
  client: GatewayServiceClient,
  request: GenerateRequest,
): Promise<GenerateResponse> {
  return new Promise((resolve, reject) => {
    client.generate(
      request,
      new Metadata(),
      { deadline: Date.now() + TIMEOUT_MS },
      (error, response) => (error ? reject(error) : resolve(response)),
    );
  });
}

async function generate(client: GatewayServiceClient) {
  const response = await call(client, prompt());
  const choice = response.choices[0];
  const texts = (choice.message?.parts ?? []).map((part) =>
    part.kind?.$case === "text" ? part.kind.value : "",
  );
  return {
    text: texts.join(""),
    finish_reason: finishReasonToJSON(choice.finishReason),
    input_tokens: Number(response.usage?.inputTokens),
    output_tokens: Number(response.usage?.outputTokens),
  };
}

async function streamGenerate(client: GatewayServiceClient) {
  const saw = {
    events: [] as string[],
    seqs: [] as number[],
    text: "",
    outcome: "",
    input_tokens: -1,
    output_tokens: -1,
  };
  const stream = client.streamGenerate(prompt(), new Metadata(), {
    deadline: Date.now() + TIMEOUT_MS,
  });
  for await (const item of stream) {
    const { seq, event }: GenerateEvent = item;
    saw.seqs.push(Number(seq));
    switch (event?.$case) {
      case "delta":
        if (event.value.piece?.$case === "text") {
          saw.text += event.value.piece.value;
        }
        break;
      case "end":
        saw.outcome = streamEnd_OutcomeToJSON(event.value.outcome);
        saw.input_tokens = Number(event.value.usage?.inputTokens);
        saw.output_tokens = Number(event.value.usage?.outputTokens);
        break;
    }
    // As the contract spells it.
    const name = event?.$case ?? "unknown";
    saw.events.push(name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase()));
  }
  return saw;
}

async function fail(client: GatewayServiceClient) {
  let error: ServiceError;
  try {
    await call(client, prompt("nobody"));
    throw new Error("a provider that nobody configured has answered");
  } catch (thrown) {
    error = thrown as ServiceError;
    if (error.metadata === undefined) throw thrown;
  }
  const [details] = error.metadata.get("grpc-status-details-bin");
  const info = Status.decode(details as Buffer).details.find(
    (detail) => detail.typeUrl === "type.googleapis.com/google.rpc.ErrorInfo",
  );
  const { reason, domain, metadata } = ErrorInfo.decode(
    info?.value ?? new Uint8Array(),
  );
  return {
    code: status[error.code],
    reason,
    domain,
    provider: metadata["provider"],
  };
}

async function main(address: string): Promise<void> {
  const client = new GatewayServiceClient(
    address,
    credentials.createInsecure(),
  );
  try {
    const saw = {
      generate: await generate(client),
      stream: await streamGenerate(client),
      error: await fail(client),
    };
    process.stdout.write(JSON.stringify(saw));
  } finally {
    client.close();
  }
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
