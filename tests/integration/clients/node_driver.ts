// Makes the calls that client_driver.py asks for, through the client for Node.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { status } from "@grpc/grpc-js";
import {
  type CallOptions,
  ConfigurationError,
  deltaText,
  type GenerateStream,
  LLMGateway,
  LLMGatewayError,
  type MetadataValues,
  textOf,
  userText,
} from "@llmgateway/client";
import { finishReasonToJSON } from "@llmgateway/client/llmgateway/v1/content";
import { type Session, streamEnd_OutcomeToJSON } from "@llmgateway/client/llmgateway/v1/gateway";

type Fields = Record<string, unknown>;

interface Command {
  id: number;
  do: string;
  model?: string;
  text?: string;
  provider_id?: string;
  session?: string;
  idempotency_key?: string;
  name?: string;
  arguments?: string;
  request_id?: string;
  after_seq?: number;
  page_size?: number;
  ttl_s?: number;
  timeout_ms?: number;
  close_after?: number;
  metadata?: Record<string, string>;
  metadata_as_text?: boolean;
}

const settings = JSON.parse(process.argv[2]!);
const file = (path?: string) => (path ? readFileSync(path) : undefined);

/** Of which bytes come in hexadecimal. */
function metadataOf({ metadata = {}, metadata_as_text }: Partial<Command>): MetadataValues {
  const isHex = (name: string) => name.endsWith("-bin") && !metadata_as_text;
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name,
      isHex(name) ? Buffer.from(value, "hex") : value,
    ]),
  );
}

function connect(): LLMGateway {
  try {
    return new LLMGateway(settings.target, {
      apiKey: settings.api_key,
      plaintext: settings.plaintext,
      ...(settings.plaintext && !settings.ca && !settings.server_name
        ? {}
        : {
            tls: {
              ca: file(settings.ca),
              cert: file(settings.cert),
              key: file(settings.key),
              serverName: settings.server_name,
            },
          }),
      waitForReady: settings.wait_for_ready,
      generateTimeoutMs: settings.generate_timeout_ms,
      lookupTimeoutMs: settings.lookup_timeout_ms,
      attemptsMax: settings.attempts_max,
      metadata: settings.metadata && (() => metadataOf(settings)),
    });
  } catch (error) {
    console.log(JSON.stringify(told(error)));
    process.exit(1);
  }
}

/** What a result says of an error. */
function told(error: unknown): Fields {
  if (error instanceof ConfigurationError) {
    return { wrong_option: error.option, message: error.message };
  }
  return { error: failure(error) };
}

const gateway = connect();

function failure(error: unknown): Fields {
  if (!(error instanceof LLMGatewayError)) return { untyped: String(error) };
  return {
    code: status[error.code],
    reason: error.reason,
    message: error.message,
    metadata: error.metadata,
    ...(error.retryAfterMs === undefined ? {} : { retry_after_ms: error.retryAfterMs }),
    fields: error.violations.map(({ field }) => field),
    quotas: error.quotas.map(({ subject }) => subject),
    request_id: error.requestId,
  };
}

function requestOf(command: Command) {
  return {
    model: command.model,
    providerId: command.provider_id,
    session: command.session,
    idempotencyKey: command.idempotency_key,
    messages: command.text === undefined ? [] : [userText(command.text)],
  };
}

async function read(stream: GenerateStream, closeAfter = 0): Promise<Fields> {
  const events: string[] = [];
  const seqs: number[] = [];
  let text = "";
  let deltas = 0;
  try {
    for await (const event of stream) {
      const name = event.event?.$case ?? "unknown";
      events.push(name === "choiceEnd" ? "choice_end" : name);
      seqs.push(Number(event.seq));
      text += deltaText(event);
      if (name === "delta" && ++deltas === closeAfter) break;
    }
  } catch (error) {
    if (error !== stream.error) return { untyped: String(error) };
  }
  const { end } = stream;
  return {
    events,
    seqs,
    text,
    request_id: stream.requestId,
    last_seq: Number(stream.lastSeq),
    outcome: end ? streamEnd_OutcomeToJSON(end.outcome) : "OUTCOME_UNSPECIFIED",
    input_tokens: Number(end?.usage?.inputTokens ?? 0),
    output_tokens: Number(end?.usage?.outputTokens ?? 0),
    ...(stream.error ? { error: failure(stream.error) } : {}),
  };
}

const shown = (session: Session) => ({ session: session.id, messages: session.messages.length });

async function run(command: Command, options: CallOptions): Promise<Fields> {
  switch (command.do) {
    case "generate": {
      const answer = await gateway.generate(requestOf(command), options);
      const [choice] = answer.choices;
      return {
        text: textOf(answer),
        request_id: answer.requestId,
        input_tokens: Number(answer.usage?.inputTokens ?? 0),
        output_tokens: Number(answer.usage?.outputTokens ?? 0),
        ...(choice ? { finish_reason: finishReasonToJSON(choice.finishReason) } : {}),
      };
    }
    case "stream":
      return read(gateway.stream(requestOf(command), options), command.close_after);
    case "resume":
      return read(gateway.resume(command.request_id!, BigInt(command.after_seq!), options));
    case "count": {
      const count = await gateway.countTokens(requestOf(command), options);
      return { input_tokens: Number(count.inputTokens) };
    }
    case "embed": {
      const inputs = [{ kind: { $case: "text" as const, value: command.text! } }];
      const answer = await gateway.embed({ model: command.model, inputs }, options);
      return { vectors: answer.embeddings.map(({ values }) => values.length) };
    }
    case "list_models": {
      const page = await gateway.listModels(
        { providerId: command.provider_id, pageSize: command.page_size },
        options,
      );
      return { models: page.models.map(({ name }) => name), more: page.nextPageToken !== "" };
    }
    case "models": {
      const models = [];
      for await (const { name } of gateway.models(command.provider_id, options)) models.push(name);
      return { models };
    }
    case "get_model": {
      const model = await gateway.getModel({ name: command.name }, options);
      return { name: model.name, provider: model.provider };
    }
    case "create_session": {
      const ttl = { seconds: BigInt(command.ttl_s!), nanos: 0 };
      return shown(await gateway.createSession({ ttl }, options));
    }
    case "get_session":
      return shown(await gateway.getSession(command.session!, options));
    case "delete_session":
      await gateway.deleteSession(command.session!, options);
      return {};
    case "list_tools": {
      const { tools } = await gateway.listTools(options);
      return { tools: tools.map(({ name }) => name) };
    }
    case "execute_tool":
      return {
        ...(await gateway.executeTool(
          { name: command.name, arguments: command.arguments },
          options,
        )),
      };
    default:
      return { untyped: `unknown command ${command.do}` };
  }
}

const aborts = new Map<number, AbortController>();
createInterface({ input: process.stdin }).on("line", (line) => {
  const command: Command = JSON.parse(line);
  if (command.do === "cancel") return aborts.get(command.id)!.abort();
  if (command.do === "close") return gateway.close();
  const abort = new AbortController();
  aborts.set(command.id, abort);
  const options = { signal: abort.signal, timeoutMs: command.timeout_ms };
  run(command, { ...options, metadata: metadataOf(command) })
    .catch(told)
    .then((answer) => process.stdout.write(`${JSON.stringify({ ...answer, id: command.id })}\n`));
});
