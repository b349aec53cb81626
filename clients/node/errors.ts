import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { BadRequest, ErrorInfo, QuotaFailure, RetryInfo } from "./google/rpc/error_details";
import { Status } from "./google/rpc/status";

/** A field of the request that is wrong. */
export interface Violation {
  /** Such as `messages[0].role`. */
  field: string;
  description: string;
}

/** A limit or budget that was reached. */
export interface Quota {
  subject: string;
  description: string;
}

/**
 * Why a call failed, with all that the gateway says of it.
 *
 *     try {
 *       await gateway.generate(request);
 *     } catch (error) {
 *       if (error instanceof LLMGatewayError && error.reason === "BUDGET_EXCEEDED") ...
 *     }
 */
export class LLMGatewayError extends Error {
  override readonly name = "LLMGatewayError";
  /** gRPC's, such as `status.UNAVAILABLE`. */
  readonly code: status;
  /**
   * A name of `ErrorReason` in errors.proto without its `ERROR_REASON_` prefix;
   * empty if the gateway was not reached.
   */
  readonly reason: string = "";
  /** Says more of the reason, by keys that errors.proto names. */
  readonly metadata: Readonly<Record<string, string>> = {};
  /** How long to wait before it may work; undefined if waiting is not said to help. */
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[] = [];
  readonly quotas: readonly Quota[] = [];
  /** The gateway's id of the call; empty if it was not reached. */
  readonly requestId: string;

  constructor(
    code: status,
    message: string,
    trailers?: Metadata,
    more: { reason?: string; requestId?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, "cause" in more ? { cause: more.cause } : {});
    this.code = code;
    this.requestId = more.requestId ?? textOf(trailers, "x-request-id");
    for (const { typeUrl, value } of detailsOf(trailers)) {
      switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
        case "google.rpc.ErrorInfo": {
          const info = ErrorInfo.decode(value);
          this.reason = info.reason;
          this.metadata = info.metadata;
          break;
        }
        case "google.rpc.RetryInfo": {
          const delay = RetryInfo.decode(value).retryDelay;
          if (delay) this.retryAfterMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
          break;
        }
        case "google.rpc.BadRequest":
          this.violations = BadRequest.decode(value).fieldViolations.map(
            ({ field, description }) => ({ field, description }),
          );
          break;
        case "google.rpc.QuotaFailure":
          this.quotas = QuotaFailure.decode(value).violations.map(
            ({ subject, description }) => ({ subject, description }),
          );
          break;
      }
    }
    if (more.reason !== undefined) this.reason = more.reason;
  }

  /** Reads an error of a call that was not made by an LLMGateway's methods. */
  static of(error: ServiceError): LLMGatewayError {
    return new LLMGatewayError(error.code, error.details, error.metadata, { cause: error });
  }
}

function textOf(trailers: Metadata | undefined, key: string): string {
  return String(trailers?.get(key)[0] ?? "");
}

function detailsOf(trailers: Metadata | undefined) {
  const [bytes] = trailers?.get("grpc-status-details-bin") ?? [];
  return bytes instanceof Uint8Array ? Status.decode(bytes).details : [];
}
