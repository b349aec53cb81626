import { type ClientReadableStream, type Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { LLMGatewayError } from "./errors";
import { type GenerateEvent, type StreamEnd, StreamEnd_Outcome } from "./llmgateway/v1/gateway";

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

  #call: ClientReadableStream<GenerateEvent>;
  #failure: ServiceError | undefined;
  #trailers: Metadata | undefined;

  /** For LLMGateway. */
  constructor(call: ClientReadableStream<GenerateEvent>) {
    this.#call = call;
    // Known although nobody may be in the loop yet.
    call.on("error", (error) => (this.#failure ??= error as ServiceError));
    call.on("status", ({ metadata }) => (this.#trailers = metadata));
  }

  /** Ends the stream; the loop throws. */
  cancel(): void {
    this.#call.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerateEvent, void, undefined> {
    let left = true;
    try {
      for (;;) {
        const event = await this.#next();
        if (event === undefined) break;
        if (event.event?.$case === "started") this.requestId = event.event.value.requestId;
        if (event.event?.$case === "end") this.end = event.event.value;
        yield event;
      }
      left = false;
    } finally {
      if (left) {
        this.#call.cancel();
        this.error = new LLMGatewayError(status.CANCELLED, "the stream was left");
      }
    }
    this.error = this.#outcome();
    if (this.error) throw this.error;
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
