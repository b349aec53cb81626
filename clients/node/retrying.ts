import { type ServiceError, status } from "@grpc/grpc-js";

import { LLMGatewayError } from "./errors";

// Whether a failed call is made again, and after how long.
//
// The gateway retries what its providers fail, so a client that did it again
// would multiply the attempts. It repeats only what the gateway has turned away
// without asking a provider, and when the gateway says so; where nobody knows
// how far a call had come, only calls that do nothing twice.

export const ATTEMPTS_MAX = 3;
const BACKOFF_MS = 200;
const BACKOFF_MS_MAX = 5_000;
// A push-back that is longer is the caller's affair.
const WAIT_MS_MAX = 30_000;
// Each failure takes a token and each success gives back a tenth; there are no
// retries while half of them or fewer are left.
const TOKENS_MAX = 10;
const TOKENS_OF_SUCCESS = 0.1;

type Repetition = "never" | "if nobody was asked" | "always";

// Of other methods than most.
const REPETITIONS: Readonly<Record<string, Repetition>> = {
  CountTokens: "always",
  // A tool may have done something.
  ExecuteTool: "never",
  GetModel: "always",
  GetSession: "always",
  ListModels: "always",
  ListTools: "always",
  ResumeStream: "always",
};

function repetitionOf(path: string, request: unknown): Repetition {
  const found = REPETITIONS[path.slice(path.lastIndexOf("/") + 1)] ?? "if nobody was asked";
  const { idempotencyKey } = request as { idempotencyKey?: string };
  // With a key the gateway knows it again.
  return found === "if nobody was asked" && idempotencyKey ? "always" : found;
}

function mayBeRepeated(error: LLMGatewayError, isTold: boolean, how: Repetition): boolean {
  switch (error.reason) {
    // Another replica, or this one in a moment, may serve it.
    case "CONCURRENCY_LIMITED":
    case "CONTEXT_SERVICE_UNAVAILABLE":
    case "DRAINING":
    case "IDENTITY_UNAVAILABLE":
    case "OVERLOADED":
      return how !== "never";
    // The same, but only the gateway knows when.
    case "CIRCUIT_OPEN":
    case "RATE_LIMITED":
    case "STORE_UNAVAILABLE":
      return how !== "never" && isTold;
    // A provider may have been asked before it was found out.
    case "LEDGER_UNAVAILABLE":
      return how === "always";
    // Nobody answered, or not to the end.
    case "":
      return how === "always" && error.code === status.UNAVAILABLE;
    default:
      return false;
  }
}

/** Keeps the retries of a client few. */
export class RetryBudget {
  #tokens = TOKENS_MAX;

  succeeded(): void {
    this.#tokens = Math.min(this.#tokens + TOKENS_OF_SUCCESS, TOKENS_MAX);
  }

  /** Returns whether there may be a retry. */
  failed(): boolean {
    this.#tokens = Math.max(this.#tokens - 1, 0);
    return this.#tokens > TOKENS_MAX / 2;
  }
}

/** One call on its way, with its attempts. */
export class CallPlan {
  #attempt = 1;
  readonly #how: Repetition;

  constructor(
    path: string,
    request: unknown,
    readonly deadline: number, // As Date.now(); Infinity for none.
    readonly attemptsMax: number,
    readonly budget: RetryBudget,
  ) {
    this.#how = repetitionOf(path, request);
  }

  /**
   * Waits for the next attempt, or until a signal is aborted; false if there is
   * to be none.
   */
  async again(error: ServiceError, signals: AbortSignal[]): Promise<boolean> {
    if (this.#attempt >= this.attemptsMax) return false;
    const waitMs = this.#waitMs(error);
    if (waitMs === undefined || Date.now() + waitMs >= this.deadline) return false;
    if (!this.budget.failed()) return false;
    ++this.#attempt;
    await pause(waitMs, signals);
    return true;
  }

  #waitMs(error: ServiceError): number | undefined {
    const [pushback] = error.metadata?.get("grpc-retry-pushback-ms") ?? [];
    if (!mayBeRepeated(LLMGatewayError.of(error), pushback !== undefined, this.#how)) {
      return undefined;
    }
    if (pushback === undefined) {
      const most = Math.min(BACKOFF_MS * 2 ** (this.#attempt - 1), BACKOFF_MS_MAX);
      return (most / 2) * (1 + Math.random());
    }
    const told = String(pushback);
    return /^\d+$/.test(told) && Number(told) <= WAIT_MS_MAX ? Number(told) : undefined;
  }
}

/** Resolves after so long, or as soon as a signal is aborted. */
function pause(ms: number, signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    for (const signal of signals) signal.addEventListener("abort", end, { once: true });
    if (signals.some((signal) => signal.aborted)) end();
  });
}
