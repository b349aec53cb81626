import { type ClientReadableStream, type Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { LLMGatewayError } from "./errors";
import { ErrorReason } from "./llmgateway/v1/errors";
import {
  type GenerateEvent,
  type ResumeStreamRequest,
  type StreamEnd,
  StreamEnd_Outcome,
} from "./llmgateway/v1/gateway";
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
 * success, nor is an event that was lost or comes twice. Leaving it early stops
 * the model; what was generated until then is billed. Who does not take events
 * holds the model back.
 */
export class GenerateStream implements AsyncIterable<GenerateEvent> {
  /** The last event, once the loop has had it. */
  end: StreamEnd | undefined;
  /** The gateway's id of the call; empty until the first event, unless it is resumed. */
  requestId = "";
  /** Of the last event, for `resume`; before the first 0n, or what it is resumed with. */
  lastSeq = 0n;
  /** Why there is no whole answer, once that is known; also of a loop that was left. */
  error: LLMGatewayError | undefined;

  readonly #begin: () => ClientReadableStream<GenerateEvent>;
  readonly #plan: CallPlan;
  readonly #signals: AbortSignal[];
  readonly #cancelled = new AbortController();
  #call!: ClientReadableStream<GenerateEvent>; // Of the present attempt.
  #failure: ServiceError | undefined;
  #trailers: Metadata | undefined;
  #beginsAnywhere = false;

  private constructor(
    begin: () => ClientReadableStream<GenerateEvent>,
    plan: CallPlan,
    signals: AbortSignal[],
    behind: ResumeStreamRequest | undefined,
  ) {
    if (behind) {
      this.requestId = behind.requestId;
      this.lastSeq = behind.afterSeq;
      this.#beginsAnywhere = behind.afterSeq === 0n;
    }
    this.#begin = begin;
    this.#plan = plan;
    this.#signals = signals;
    this.#attempt();
  }

  /** @internal For LLMGateway. */
  static over(
    begin: () => ClientReadableStream<GenerateEvent>,
    plan: CallPlan,
    signals: AbortSignal[],
    behind: ResumeStreamRequest | undefined,
  ): GenerateStream {
    return new GenerateStream(begin, plan, signals, behind);
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
        this.#checkOrder(event);
        if (event.event?.$case === "started") this.requestId = event.event.value.requestId;
        if (event.event?.$case === "end") this.end = event.event.value;
        yield event;
      }
      left = false;
    } catch (error) {
      if (error instanceof LLMGatewayError) this.error = error;
      throw error;
    } finally {
      if (left) {
        this.cancel();
        this.error ??= new LLMGatewayError(status.CANCELLED, "the stream was left");
      }
    }
    this.error = this.#outcome();
    if (this.error) throw this.error;
    this.#plan.budget.succeeded();
  }

  /** Throws unless the event is the next. */
  #checkOrder({ seq }: GenerateEvent): void {
    const isNext = seq === this.lastSeq + 1n || (this.#beginsAnywhere && seq > 0n);
    if (!isNext || this.end) {
      const place = this.end ? "behind the end" : `in place of ${this.lastSeq + 1n}`;
      throw this.#interrupted(status.DATA_LOSS, `event ${seq} has come ${place}`);
    }
    this.lastSeq = seq;
    this.#beginsAnywhere = false;
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
      for (const signal of this.#signals) signal.removeEventListener("abort", cancel);
    });
    const signals = [...this.#signals, this.#cancelled.signal];
    for (const signal of this.#signals) signal.addEventListener("abort", cancel, { once: true });
    if (signals.some((signal) => signal.aborted)) cancel();
  }

  /** Begins anew if that may be done; nothing of an answer has come. */
  async #again(): Promise<boolean> {
    if (!this.#failure || this.#cancelled.signal.aborted) return false;
    const signals = [...this.#signals, this.#cancelled.signal];
    if (!(await this.#plan.again(this.#failure, signals))) return false;
    if (signals.some((signal) => signal.aborted)) {
      throw new LLMGatewayError(status.CANCELLED, "the stream was cancelled");
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
    if (this.#failure) return LLMGatewayError.of(this.#failure, this.requestId);
    if (!this.end) {
      return this.#interrupted(status.UNAVAILABLE, "the stream broke off without its end");
    }
    if (this.end.outcome === StreamEnd_Outcome.OUTCOME_FINISHED) return undefined;
    const why = this.end.error;
    return this.#failed(
      why?.reason ?? ErrorReason.ERROR_REASON_UNSPECIFIED,
      status.UNKNOWN,
      why?.message || "the model did not finish",
    );
  }

  #interrupted(code: status, message: string): LLMGatewayError {
    return this.#failed(ErrorReason.ERROR_REASON_STREAM_INTERRUPTED, code, message);
  }

  /** With the number of a reason that this version of the contract does not know. */
  #failed(number: ErrorReason, code: status, message: string): LLMGatewayError {
    const requestId = this.requestId || undefined;
    const reason = (ErrorReason[number] ?? String(number)).replace(/^ERROR_REASON_/, "");
    return new LLMGatewayError(code, message, this.#trailers, { reason, requestId });
  }
}
