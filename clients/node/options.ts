import { type ChannelOptions, ChannelCredentials, credentials, Metadata } from "@grpc/grpc-js";

export const VERSION = "0.1.0";

/** Metadata of calls; several values go under one name. */
export type MetadataValues = Readonly<Record<string, string | readonly string[]>>;

/** PEM texts, or the bytes of their files. */
export interface TlsOptions {
  /** Issuers to trust in place of Node's own. */
  ca?: string | Buffer | undefined;
  /** A certificate to show, and its key: mutual TLS. They are set together. */
  cert?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
}

/** How the connection is secured: TLS by Node's own issuers if nothing is said. */
export type ConnectionSecurity =
  | { plaintext?: false | undefined; tls?: TlsOptions | undefined; credentials?: undefined }
  | {
      /** Does without TLS, for a gateway on this machine or behind a proxy that encrypts. */
      plaintext?: boolean | undefined;
      tls?: undefined;
      credentials?: undefined;
    }
  | {
      plaintext?: false | undefined;
      tls?: undefined;
      /** Of your own, instead. */
      credentials: ChannelCredentials;
    };

export type LLMGatewayOptions = ClientOptions & ConnectionSecurity;

export interface ClientOptions {
  /** Sent as `authorization: Bearer`. */
  apiKey?: string | undefined;
  /** For calls that run a model; 900,000 by default, Infinity for no limit. */
  generateTimeoutMs?: number | undefined;
  /** For all others; 60,000 by default. */
  lookupTimeoutMs?: number | undefined;
  /** Whether calls wait for a connection where they would fail if none can be made. */
  waitForReady?: boolean | undefined;
  /** How often a call is made at most, the first time counted; 3 by default. */
  attemptsMax?: number | undefined;
  /**
   * Added to each call, such as a trace by OpenTelemetry:
   *
   *     metadata: () => {
   *       const carrier = {};
   *       propagation.inject(context.active(), carrier);
   *       return carrier;
   *     }
   */
  metadata?: (() => MetadataValues) | undefined;
  /** Passed to gRPC; they win. */
  channelOptions?: ChannelOptions | undefined;
}

/** What one call may have of its own. */
export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal | undefined;
  /** Instead of the client's. */
  timeoutMs?: number | undefined;
  waitForReady?: boolean | undefined;
  /** Wins over the client's. `traceparent` has its place here. */
  metadata?: MetadataValues | undefined;
}

// No retryPolicy: gRPC's own would repeat what a provider may have been asked
// for, where a connection breaks.
const SERVICE_CONFIG = { loadBalancingConfig: [{ round_robin: {} }] };

// Answers with pictures or sound are larger than gRPC's 4 MiB.
const RESPONSE_BYTES_MAX = 32 << 20;

export function channelOptionsOf(options: LLMGatewayOptions): ChannelOptions {
  return {
    "grpc.primary_user_agent": `llmgateway-node/${VERSION}`,
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    // A DNS record that says otherwise does not belong to this program.
    "grpc.service_config_disable_resolution": 1,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_receive_message_length": RESPONSE_BYTES_MAX,
    ...options.channelOptions,
  };
}

export function credentialsOf(options: LLMGatewayOptions): ChannelCredentials {
  const { plaintext, tls, credentials: own } = options;
  if ([plaintext, tls, own].filter(Boolean).length > 1) {
    throw new TypeError("of plaintext, tls and credentials only one can be set");
  }
  if (own) return own;
  if (plaintext) return credentials.createInsecure();
  const [ca, cert, key] = [tls?.ca, tls?.cert, tls?.key].map((pem) =>
    pem === undefined ? null : Buffer.from(pem),
  ) as [Buffer | null, Buffer | null, Buffer | null];
  if ((cert === null) !== (key === null)) {
    throw new TypeError("tls.cert and tls.key are set together");
  }
  try {
    return credentials.createSsl(ca, key, cert);
  } catch (cause) {
    throw new TypeError("of tls.ca, tls.cert and tls.key one is no PEM", { cause });
  }
}

/** Of an API key; what is wrong in it is not shown. */
export function keyOf(apiKey: string | undefined): string | undefined {
  if (apiKey !== undefined && !/^[ -~]*$/.test(apiKey)) {
    throw new TypeError("apiKey has what is no printable ASCII letter");
  }
  return apiKey;
}

export function timeoutOf(name: string, timeoutMs: number): number {
  if (!(timeoutMs > 0)) throw new RangeError(`${name} is ${timeoutMs} and must be more than 0`);
  return timeoutMs;
}

export function attemptsOf(attemptsMax: number): number {
  if (!(Number.isInteger(attemptsMax) && attemptsMax > 0)) {
    throw new RangeError(`attemptsMax is ${attemptsMax} and must be a whole number from 1`);
  }
  return attemptsMax;
}

export function metadataOf(options: LLMGatewayOptions, call: CallOptions): Metadata {
  const metadata = new Metadata({
    waitForReady: call.waitForReady ?? options.waitForReady ?? false,
  });
  if (options.apiKey) metadata.set("authorization", `Bearer ${options.apiKey}`);
  for (const values of [options.metadata?.(), call.metadata]) {
    for (const [name, value] of Object.entries(values ?? {})) {
      metadata.remove(name);
      for (const one of [value].flat()) metadata.add(name, one);
    }
  }
  return metadata;
}
