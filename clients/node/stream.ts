import { type ClientReadableStream, type Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { LLMGatewayError } from "./errors";
import { type GenerateEvent, type StreamEnd, StreamEnd_Outcome } from "./llmgateway/v1/gateway";
import type { CallPlan } from "./retrying";

/**
 * A streamed answer as its events arrive; for one loop.
 *
 *     const stream = gateway.stream(request);
 *     for await (const event of stream) ...
 *     stream.end?.usage; // What it consumed, whatever the outcome.
 *
 * The loop ends by itself only if the gateway said that the model finished, and
 * throws an LLMGatewayError otherwise: a connection that breaks off is never a
 * success. Leaving it early stops the model; what was generated until then is
 * billed. Who does not take events holds the model back.
 */
export class GenerateStream implements AsyncIterable<GenerateEvent> {
  /** The last event, once the loop has had it. */
  end: StreamEnd | undefined;
  /** The gateway's id of the call; empty until the first event. */
  requestId = "";
  /** Why there is no whole answer, once that is known; also of a loop that was left. */
  error: LLMGatewayError | undefined;

  readonly #begin: () => ClientReadableStream<GenerateEvent>;
  readonly #plan: CallPlan;
  readonly #signal: AbortSignal | undefined;
  readonly #cancelled = new AbortController();
  #call!: ClientReadableStream<GenerateEvent>; // Of the present attempt.
  #failure: ServiceError | undefined;
  #trailers: Metadata | undefined;

  private constructor(
    begin: () => ClientReadableStream<GenerateEvent>,
    plan: CallPlan,
    signal: AbortSignal | undefined,
  ) {
    this.#begin = begin;
    this.#plan = plan;
    this.#signal = signal;
    this.#attempt();
  }

  /** @internal For LLMGateway. */
  static over(
    begin: () => ClientReadableStream<GenerateEvent>,
    plan: CallPlan,
    signal: AbortSignal | undefined,
  ): GenerateStream {
    return new GenerateStream(begin, plan, signal);
  }

  /** Ends the stream; the loop throws. */
  cancel(): void {
    this.#cancelled.abort();
    this.#call.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerateEvent, void, undefined> {
    let left = true;
    try {
      for (let answered = false; ; ) {
        const event = await this.#next();
        if (event === undefined) {
          if (answered || !(await this.#again())) break;
          continue;
        }
        answered = true;
        if (event.event?.$case === "started") this.requestId = event.event.value.requestId;
        if (event.event?.$case === "end") this.end = event.event.value;
        yield event;
      }
      left = false;
    } finally {
      if (left) {
        this.cancel();
        this.error = new LLMGatewayError(status.CANCELLED, "the stream was left");
      }
    }
    this.error = this.#outcome();
    if (this.error) throw this.error;
    this.#plan.budget.succeeded();
  }

  #attempt(): void {
    const call = this.#begin();
    this.#call = call;
    this.#failure = undefined;
    const cancel = () => call.cancel();
    // Known although nobody may be in the loop yet.
    call.on("error", (error) => (this.#failure ??= error as ServiceError));
    call.on("status", ({ metadata }) => {
      this.#trailers = metadata;
      this.#signal?.removeEventListener("abort", cancel);
    });
    this.#signal?.addEventListener("abort", cancel, { once: true });
    if (this.#signal?.aborted || this.#cancelled.signal.aborted) cancel();
  }

  /** Begins anew if that may be done; nothing of an answer has come. */
  async #again(): Promise<boolean> {
    if (!this.#failure || this.#cancelled.signal.aborted) return false;
    if (!(await this.#plan.again(this.#failure, this.#signal, this.#cancelled.signal))) {
      return false;
    }
    this.#attempt();
    return true;
  }

  /** The next event; undefined if there is none. */
  #next(): Promise<GenerateEvent | undefined> {
    return new Promise((resolve) => {
      const look = () => {
        const event = this.#call.read() as GenerateEvent | null;
        if (event === null && !this.#call.readableEnded && !this.#call.destroyed) return;
        for (const name of ["readable", "end", "close"]) this.#call.off(name, look);
        resolve(event ?? undefined);
      };
      for (const name of ["readable", "end", "close"]) this.#call.on(name, look);
      look();
    });
  }

  #outcome(): LLMGatewayError | undefined {
    if (this.#failure) return LLMGatewayError.of(this.#failure);
    if (this.end?.outcome === StreamEnd_Outcome.OUTCOME_FINISHED) return undefined;
    return new LLMGatewayError(
      status.UNAVAILABLE,
      "the stream broke off without its end",
      this.#trailers,
      { reason: "STREAM_INTERRUPTED" },
    );
  }
}
