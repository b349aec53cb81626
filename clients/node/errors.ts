import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { BadRequest, ErrorInfo, QuotaFailure, RetryInfo } from "./google/rpc/error_details";
import { Status } from "./google/rpc/status";

/** Of the gateway's reasons; those of others mean something else. */
const DOMAIN = "llmgateway.dev";

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
  readonly reason: string;
  /** Says more of the reason, by keys that errors.proto names. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How long to wait before it may work; undefined if waiting is not said to help. */
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[];
  readonly quotas: readonly Quota[];
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
    const told = readDetails(trailers);
    this.reason = more.reason ?? told.reason;
    this.metadata = told.metadata;
    this.retryAfterMs = told.retryAfterMs;
    this.violations = told.violations;
    this.quotas = told.quotas;
  }

  /**
   * Reads an error of a call that was not made by an LLMGateway's methods. Where
   * it does not say which, as where a connection broke off, `known` does.
   */
  static of(error: ServiceError, known?: string): LLMGatewayError {
    const requestId = textOf(error.metadata, "x-request-id") || known;
    return new LLMGatewayError(error.code, error.details, error.metadata, {
      cause: error,
      requestId,
    });
  }
}

function textOf(trailers: Metadata | undefined, key: string): string {
  return String(trailers?.get(key)[0] ?? "");
}

interface Details {
  reason: string;
  metadata: Record<string, string>;
  retryAfterMs: number | undefined;
  violations: Violation[];
  quotas: Quota[];
}

/** What nobody can read says nothing more, and the status stands. */
function readDetails(trailers: Metadata | undefined): Details {
  const told: Details = {
    reason: "", metadata: {}, retryAfterMs: undefined, violations: [], quotas: [],
  };
  const [bytes] = trailers?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Uint8Array)) return told;
  try {
    for (const { typeUrl, value } of Status.decode(bytes).details) {
      readDetail(typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value, told);
    }
  } catch {
    // Not of this form.
  }
  return told;
}

function readDetail(type: string, value: Uint8Array, told: Details): void {
  switch (type) {
    case "google.rpc.ErrorInfo": {
      const info = ErrorInfo.decode(value);
      if (info.domain !== DOMAIN) break;
      told.reason = info.reason;
      told.metadata = info.metadata;
      break;
    }
    case "google.rpc.RetryInfo": {
      const delay = RetryInfo.decode(value).retryDelay;
      if (delay) told.retryAfterMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
      break;
    }
    case "google.rpc.BadRequest":
      told.violations = BadRequest.decode(value).fieldViolations.map(
        ({ field, description }) => ({ field, description }),
      );
      break;
    case "google.rpc.QuotaFailure":
      told.quotas = QuotaFailure.decode(value).violations.map(
        ({ subject, description }) => ({ subject, description }),
      );
      break;
  }
}
