import { setMaxListeners } from "node:events";

import {
  type CallOptions as GrpcCallOptions,
  type Channel,
  Client,
  type Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";

import { checkTarget, ConfigurationError } from "./configuration";
import { LLMGatewayError } from "./errors";
import { type Message, Role } from "./llmgateway/v1/content";
import {
  CountTokensRequest,
  type CountTokensResponse,
  CreateSessionRequest,
  type DeepPartial,
  DeleteSessionRequest,
  EmbedRequest,
  type EmbedResponse,
  ExecuteToolRequest,
  type ExecuteToolResponse,
  GatewayServiceService as rpcs,
  GenerateRequest,
  type GenerateResponse,
  type GenerateEvent,
  GetModelRequest,
  GetSessionRequest,
  ListModelsRequest,
  type ListModelsResponse,
  ListToolsRequest,
  type ListToolsResponse,
  type Model,
  ResumeStreamRequest,
  type Session,
} from "./llmgateway/v1/gateway";
import {
  attemptsOf,
  type CallOptions,
  channelOptionsOf,
  checkSupplier,
  credentialsOf,
  keyOf,
  type LLMGatewayOptions,
  metadataOf,
  signalOf,
  timeoutOf,
} from "./options";
import { ATTEMPTS_MAX, CallPlan, RetryBudget } from "./retrying";
import { GenerateStream } from "./stream";

const MODELS_PAGE_SIZE = 1000;

/**
 * The gateway as a program calls it: a connection, a key, deadlines and retries
 * around the generated stubs.
 *
 *     const gateway = new LLMGateway("dns:///llm.example.com:443", { apiKey });
 *     const answer = await gateway.generate({ model: "gpt-x", messages: [userText("Hello")] });
 *     gateway.close();
 *
 * The connection is encrypted unless told otherwise. Calls go to all addresses
 * of the target in turn. What the gateway has turned away without asking a
 * provider is tried up to three times in all, and so are, where a connection
 * breaks, lookups and calls with an `idempotencyKey`. Nothing else is: a provider
 * may have been asked already. A tool is never run again.
 *
 * Methods reject with an LLMGatewayError, or with a ConfigurationError if an
 * option of the call is wrong; `stream` and `resume` throw that at once, and so
 * do they once the client is closed.
 */
export class LLMGateway {
  readonly #client: Client;
  readonly #options: LLMGatewayOptions;
  readonly #generateTimeoutMs: number;
  readonly #lookupTimeoutMs: number;
  readonly #attemptsMax: number;
  readonly #budget = new RetryBudget();
  readonly #closed = new AbortController();

  /**
   * `target` is as gRPC names it: `host:port` or `dns:///host:port` for all
   * addresses of a name, `ipv4:10.0.0.1:443,10.0.0.2:443` for a list, which needs
   * `tls.serverName` where there is TLS. It connects with the first call. Throws a ConfigurationError if an option is wrong.
   */
  constructor(target: string, options: LLMGatewayOptions = {}) {
    checkTarget(target);
    setMaxListeners(0, this.#closed.signal);
    keyOf(options.apiKey);
    checkSupplier(options.metadata);
    this.#options = options;
    this.#attemptsMax = attemptsOf(options.attemptsMax ?? ATTEMPTS_MAX);
    this.#generateTimeoutMs = timeoutOf("generateTimeoutMs", options.generateTimeoutMs ?? 900_000);
    this.#lookupTimeoutMs = timeoutOf("lookupTimeoutMs", options.lookupTimeoutMs ?? 60_000);
    this.#client = clientOf(target, options);
  }

  /** Ends the connection and every call of it, also one that waits to be tried again. */
  close(): void {
    this.#closed.abort();
    this.#client.close();
  }

  /**
   * For stubs of services that have no method here, such as AdminService, as
   * their option `channelOverride`, with `metadata()` for each call.
   */
  get channel(): Channel {
    return this.#client.getChannel() as Channel;
  }

  /** What a call of this client has. */
  metadata(options: CallOptions = {}): Metadata {
    return metadataOf(this.#options, options);
  }

  /** One complete answer. */
  generate(request: DeepPartial<GenerateRequest>, options?: CallOptions): Promise<GenerateResponse> {
    return this.#call(
      rpcs.generate,
      GenerateRequest.fromPartial(request),
      this.#generateTimeoutMs,
      options,
    );
  }

  /** An answer as it is produced. Failures, also to begin, are told by the stream. */
  stream(request: DeepPartial<GenerateRequest>, options?: CallOptions): GenerateStream {
    return this.#stream(rpcs.streamGenerate, GenerateRequest.fromPartial(request), options);
  }

  /**
   * Goes on with a stream whose connection broke, behind the event `afterSeq`,
   * if the gateway has `resumable_streams` configured.
   */
  resume(requestId: string, afterSeq: bigint | number, options?: CallOptions): GenerateStream {
    const request = ResumeStreamRequest.fromPartial({ requestId, afterSeq: BigInt(afterSeq) });
    return this.#stream(rpcs.resumeStream, request, options, request);
  }

  /** Counts the input tokens of a request without running it. */
  countTokens(
    request: DeepPartial<GenerateRequest>,
    options?: CallOptions,
  ): Promise<CountTokensResponse> {
    const counted = CountTokensRequest.fromPartial({
      request: GenerateRequest.fromPartial(request),
    });
    return this.#call(rpcs.countTokens, counted, this.#lookupTimeoutMs, options);
  }

  /** Turns texts into vectors. */
  embed(request: DeepPartial<EmbedRequest>, options?: CallOptions): Promise<EmbedResponse> {
    return this.#call(
      rpcs.embed,
      EmbedRequest.fromPartial(request),
      this.#generateTimeoutMs,
      options,
    );
  }

  /** One page of the models that callers can name. */
  listModels(
    request: DeepPartial<ListModelsRequest> = {},
    options?: CallOptions,
  ): Promise<ListModelsResponse> {
    return this.#call(
      rpcs.listModels,
      ListModelsRequest.fromPartial(request),
      this.#lookupTimeoutMs,
      options,
    );
  }

  /** All of them, page by page; of one provider if it is named. */
  async *models(providerId = "", options?: CallOptions): AsyncGenerator<Model, void, undefined> {
    let pageToken = "";
    do {
      const page = await this.listModels(
        { providerId, pageToken, pageSize: MODELS_PAGE_SIZE },
        options,
      );
      yield* page.models;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Describes one model. */
  getModel(request: DeepPartial<GetModelRequest>, options?: CallOptions): Promise<Model> {
    return this.#call(
      rpcs.getModel,
      GetModelRequest.fromPartial(request),
      this.#lookupTimeoutMs,
      options,
    );
  }

  /** Opens a session whose messages the gateway remembers. */
  createSession(
    request: DeepPartial<CreateSessionRequest> = {},
    options?: CallOptions,
  ): Promise<Session> {
    return this.#call(
      rpcs.createSession,
      CreateSessionRequest.fromPartial(request),
      this.#lookupTimeoutMs,
      options,
    );
  }

  /** A session, with its messages. */
  getSession(id: string, options?: CallOptions): Promise<Session> {
    const request = GetSessionRequest.fromPartial({ id });
    return this.#call(rpcs.getSession, request, this.#lookupTimeoutMs, options);
  }

  /** Forgets a session. */
  async deleteSession(id: string, options?: CallOptions): Promise<void> {
    const request = DeleteSessionRequest.fromPartial({ id });
    await this.#call(rpcs.deleteSession, request, this.#lookupTimeoutMs, options);
  }

  /** The tools of a service behind the gateway. */
  listTools(options?: CallOptions): Promise<ListToolsResponse> {
    const request = ListToolsRequest.fromPartial({});
    return this.#call(rpcs.listTools, request, this.#lookupTimeoutMs, options);
  }

  /**
   * Runs one of them; its `arguments` and its `result` are JSON as text. Of a
   * tool that fails the response says so. A call that fails is not made again:
   * the tool may have done something.
   */
  executeTool(
    request: DeepPartial<ExecuteToolRequest>,
    options?: CallOptions,
  ): Promise<ExecuteToolResponse> {
    return this.#call(
      rpcs.executeTool,
      ExecuteToolRequest.fromPartial(request),
      this.#lookupTimeoutMs,
      options,
    );
  }

  #plan(path: string, request: unknown, timeoutMs: number, options: CallOptions): CallPlan {
    const timeout = timeoutOf("timeoutMs", options.timeoutMs ?? timeoutMs);
    return new CallPlan(path, request, Date.now() + timeout, this.#attemptsMax, this.#budget);
  }

  /** Those that end a call; throws if the client is closed. */
  #signals(options: CallOptions): AbortSignal[] {
    if (this.#closed.signal.aborted) throw cancelled("the client was closed");
    const signal = signalOf(options);
    return signal ? [signal, this.#closed.signal] : [this.#closed.signal];
  }

  async #call<Request, Response>(
    rpc: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs: number,
    options: CallOptions = {},
  ): Promise<Response> {
    const plan = this.#plan(rpc.path, request, timeoutMs, options);
    const metadata = this.metadata(options);
    for (;;) {
      const signals = this.#signals(options);
      if (options.signal?.aborted) throw cancelled("the signal was aborted");
      try {
        const response = await this.#attempt(rpc, request, metadata, plan, signals);
        this.#budget.succeeded();
        return response;
      } catch (error) {
        const failure = error as ServiceError;
        if (!(await plan.again(failure, signals))) throw LLMGatewayError.of(failure);
      }
    }
  }

  /** Rejects with gRPC's error. */
  #attempt<Request, Response>(
    rpc: MethodDefinition<Request, Response>,
    request: Request,
    metadata: Metadata,
    plan: CallPlan,
    signals: AbortSignal[],
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const cancel = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        rpc.path,
        rpc.requestSerialize,
        rpc.responseDeserialize,
        request,
        metadata.clone(),
        grpcOptions(plan),
        (error, response) => {
          for (const signal of signals) signal.removeEventListener("abort", cancel);
          if (error) reject(error);
          else resolve(response as Response);
        },
      );
      for (const signal of signals) signal.addEventListener("abort", cancel, { once: true });
    });
  }

  #stream<Request>(
    rpc: MethodDefinition<Request, GenerateEvent>,
    request: Request,
    options: CallOptions = {},
    behind?: ResumeStreamRequest,
  ): GenerateStream {
    const plan = this.#plan(rpc.path, request, this.#generateTimeoutMs, options);
    const metadata = this.metadata(options);
    const signals = this.#signals(options);
    const begin = () => {
      this.#signals(options);
      return this.#client.makeServerStreamRequest(
        rpc.path,
        rpc.requestSerialize,
        rpc.responseDeserialize,
        request,
        metadata.clone(),
        grpcOptions(plan),
      );
    };
    return GenerateStream.over(begin, plan, signals, behind);
  }
}

/** A message of the user with one text. */
export function userText(text: string): DeepPartial<Message> {
  return { role: Role.ROLE_USER, parts: [{ kind: { $case: "text", value: text } }] };
}

/** What the model says in the first of an answer's choices. */
export function textOf(response: GenerateResponse): string {
  const parts = response.choices[0]?.message?.parts ?? [];
  return parts.map(({ kind }) => (kind?.$case === "text" ? kind.value : "")).join("");
}

/** The piece of text that an event of a stream brings; empty if it brings none. */
export function deltaText({ event }: GenerateEvent): string {
  const piece = event?.$case === "delta" ? event.value.piece : undefined;
  return piece?.$case === "text" ? piece.value : "";
}

function clientOf(target: string, options: LLMGatewayOptions): Client {
  const credentials = credentialsOf(target, options);
  try {
    return new Client(target, credentials, channelOptionsOf(target, options));
  } catch (cause) {
    throw new ConfigurationError("target", `cannot be called: ${cause}`, { cause });
  }
}

function grpcOptions({ deadline }: CallPlan): GrpcCallOptions {
  return deadline === Infinity ? {} : { deadline };
}

function cancelled(message: string): LLMGatewayError {
  return new LLMGatewayError(status.CANCELLED, message);
}
