// What a program in TypeScript writes with the package compiles, with the
// compiler at its strictest, and what is wrong does not: each line below
// `@ts-expect-error` is an error, or the compiler says so. Run, it says whether
// what is declared is there.

import { readFileSync } from "node:fs";

import {
  type CallOptions,
  ConfigurationError,
  deltaText,
  ErrorReason,
  type ExecuteToolResponse,
  FinishReason,
  type GenerateEvent,
  GenerateRequest,
  GenerateResponse,
  GenerateStream,
  LLMGateway,
  LLMGatewayError,
  type LLMGatewayOptions,
  type ListModelsResponse,
  type ListToolsResponse,
  type Message,
  type Model,
  type Quota,
  Role,
  type Session,
  status,
  StreamEnd_Outcome,
  textOf,
  ToolChoice_Mode,
  type Usage,
  userText,
  VERSION,
  type Violation,
} from "@llmgateway/client";

const plaintext: LLMGatewayOptions = {
  apiKey: process.env.KEY,
  plaintext: true,
  generateTimeoutMs: Infinity,
  lookupTimeoutMs: 1000,
  waitForReady: true,
  attemptsMax: 1,
  metadata: () => ({ traceparent: "00-1-2-01", "x-team": ["a", "b"] }),
  channelOptions: { "grpc.keepalive_time_ms": 1000 },
};
const call: CallOptions = {
  signal: AbortSignal.timeout(1000),
  timeoutMs: 1000,
  waitForReady: false,
  metadata: { "x-request-id": "order-17", "x-trace-bin": Buffer.of(0) },
};

export function overTls(ca: string, cert?: string): LLMGateway {
  const key = cert === undefined ? undefined : readFileSync(`${cert}.key`);
  return new LLMGateway("dns:///llm.example.com:443", {
    tls: { ca: readFileSync(ca, "utf8"), cert, key },
  });
}

export function either(isPlain: boolean): LLMGateway {
  return new LLMGateway("x:1", { plaintext: isPlain });
}

const request = {
  model: "gpt-x",
  messages: [
    userText("Hello"),
    {
      role: Role.ROLE_ASSISTANT,
      parts: [
        { kind: { $case: "toolCall", value: { id: "1", name: "add", arguments: "{}" } } },
      ],
    },
    {
      role: Role.ROLE_TOOL,
      parts: [
        {
          kind: {
            $case: "toolResult",
            value: { toolCallId: "1", parts: [{ kind: { $case: "text", value: "3" } }] },
          },
        },
      ],
    },
  ],
  maxOutputTokens: 100,
  sampling: { temperature: 0.5, topP: 1, seed: 7n, stop: ["."] },
  tools: [{ kind: { $case: "function", value: { name: "add", parametersSchema: "{}" } } }],
  toolChoice: { mode: ToolChoice_Mode.MODE_AUTO },
  labels: { order: "17" },
  scope: { sessionId: "s" },
  idempotencyKey: "order-17",
} satisfies Parameters<LLMGateway["generate"]>[0];

export async function calls(gateway: LLMGateway): Promise<void> {
  const answer: GenerateResponse = await gateway.generate(request, call);
  const usage: Usage | undefined = answer.usage;
  const nanos: bigint | undefined = usage?.costUsdNanos;
  console.log(textOf(answer), nanos, JSON.stringify(GenerateResponse.toJSON(answer)));
  if (answer.choices[0]?.finishReason === FinishReason.FINISH_REASON_LENGTH) return;

  const stream: GenerateStream = gateway.stream(request, call);
  for await (const event of stream) console.log(deltaText(event), kindOf(event));
  console.log(stream.end?.usage?.outputTokens, stream.requestId, stream.error?.reason);
  stream.cancel();
  gateway.resume(stream.requestId, stream.lastSeq, call);
  gateway.resume(stream.requestId, 0);

  const counted: bigint = (await gateway.countTokens(request, call)).inputTokens;
  const inputs = [{ kind: { $case: "text" as const, value: "Hello" } }];
  const vectors = await gateway.embed({ model: "m", inputs, dimensions: 3 }, call);
  const first: number[] | undefined = vectors.embeddings[0]?.values;
  console.log(counted, first);

  const page: ListModelsResponse = await gateway.listModels({ pageSize: 10, pageToken: "" }, call);
  for await (const model of gateway.models("openai", call)) console.log(model.name);
  const model: Model = await gateway.getModel({ name: "m", providerId: "openai" }, call);
  console.log(page.nextPageToken, model.provider);

  const session: Session = await gateway.createSession(
    { ttl: { seconds: 60n }, context: { tenant: "a", list: [1, null] } },
    call,
  );
  const messages: Message[] = (await gateway.getSession(session.id, call)).messages;
  await gateway.deleteSession(session.id, call);

  const listed: ListToolsResponse = await gateway.listTools(call);
  const done: ExecuteToolResponse = await gateway.executeTool(
    { name: listed.tools[0]?.name, arguments: "{}" },
    call,
  );
  console.log(messages.length, done.success, JSON.parse(done.result), done.error);
  console.log(gateway.channel.getTarget(), gateway.metadata(call).get("authorization"));
  gateway.close();
}

function kindOf({ seq, event }: GenerateEvent): string {
  switch (event?.$case) {
    case "started":
      return event.value.requestId;
    case "delta":
      return event.value.piece?.$case ?? `${event.value.choiceIndex}`;
    case "end":
      return event.value.outcome === StreamEnd_Outcome.OUTCOME_FINISHED ? "whole" : "cut";
    default:
      return seq.toString();
  }
}

export function told(error: unknown): string {
  if (error instanceof ConfigurationError) return `${error.option}: ${error.problem}`;
  if (!(error instanceof LLMGatewayError)) return String(error);
  const violations: readonly Violation[] = error.violations;
  const quotas: readonly Quota[] = error.quotas;
  const wait: number | undefined = error.retryAfterMs;
  const isLimit = error.code === status.RESOURCE_EXHAUSTED && error.reason === "RATE_LIMITED";
  return [error.name, isLimit, error.metadata["limit"], wait, error.requestId]
    .concat(violations.map(({ field }) => field))
    .concat(quotas.map(({ subject }) => subject))
    .join();
}

export async function mistakes(gateway: LLMGateway): Promise<void> {
  // @ts-expect-error A target is needed.
  new LLMGateway();
  // @ts-expect-error TLS and none.
  new LLMGateway("x:1", { plaintext: true, tls: {} });
  // @ts-expect-error There is no such option.
  new LLMGateway("x:1", { apikey: "k" });
  // @ts-expect-error There is no such field.
  await gateway.generate({ modle: "m" });
  // @ts-expect-error A role is none of these texts.
  await gateway.generate({ messages: [{ role: "user" }] });
  // @ts-expect-error Parts say of which kind they are.
  await gateway.generate({ messages: [{ parts: [{ text: "Hello" }] }] });
  // @ts-expect-error 64-bit numbers are bigint.
  await gateway.generate({ sampling: { seed: 7 } });
  // @ts-expect-error There is no such option of a call.
  await gateway.generate(request, { timeout: 5 });
  // @ts-expect-error Money is bigint.
  const cost: number | undefined = (await gateway.generate(request)).usage?.costUsdNanos;
  // @ts-expect-error Streams are made by the client.
  new GenerateStream();
  // @ts-expect-error Metadata is text or bytes.
  await gateway.generate(request, { metadata: { "x-count": 5 } });
  // @ts-expect-error Arguments are JSON as text.
  await gateway.executeTool({ name: "add", arguments: { a: 1 } });
  // @ts-expect-error It is to be awaited.
  const text: string = textOf(gateway.generate(request));
  console.log(cost, text);
}

/** What is told of options that programs without types have. */
async function wrongOption(call: unknown, metadata?: unknown): Promise<string> {
  try {
    const gateway = new LLMGateway("x:1", { plaintext: true, metadata } as never);
    await gateway.generate(request, call as never);
    return "nothing";
  } catch (error) {
    return told(error).split(";")[0] ?? "";
  }
}

const whole = GenerateRequest.fromPartial(request);
const gateway = new LLMGateway("127.0.0.1:1", plaintext);
gateway.close();
const wrong = [
  wrongOption({ timeoutMs: "5" }),
  wrongOption({ signal: {} }),
  wrongOption({ metadata: Promise.resolve({ "x-team": "search" }) }),
  wrongOption({ metadata: new Map([["x-team", "search"]]) }),
  wrongOption({}, async () => ({ "x-team": "search" })),
  wrongOption({}, { "x-team": "search" }),
];
Promise.all(wrong).then((wrongOptions) => console.log(
  JSON.stringify({
    wrongOptions,
    version: VERSION,
    messages: whole.messages.length,
    reason: ErrorReason[ErrorReason.ERROR_REASON_BUDGET_EXCEEDED],
    code: status.UNAVAILABLE,
    keys: ["cl\u00e9", "a\nb"].map((apiKey) => {
      try {
        return String(new LLMGateway("x:1", { plaintext: true, apiKey }));
      } catch (error) {
        return String(error);
      }
    }),
  }),
));
