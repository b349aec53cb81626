import { type ChannelOptions, ChannelCredentials, credentials, Metadata } from "@grpc/grpc-js";

import {
  checkMetadata,
  checkText,
  ConfigurationError,
  isAddressList,
  isOnThisMachine,
} from "./configuration";

export const VERSION = "0.1.0";

/** Of names that end with `-bin` bytes, of all others printable ASCII. */
export type MetadataValue = string | Buffer;

/** Metadata of calls; several values go under one name, in small letters. */
export type MetadataValues = Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;

/** PEM texts, or the bytes of their files. */
export interface TlsOptions {
  /** Issuers to trust in place of Node's own. */
  ca?: string | Buffer | undefined;
  /** A certificate to show, and its key: mutual TLS. They are set together. */
  cert?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
  /**
   * The name that the gateway's certificate must have, in place of the target's.
   * A list of addresses has none, and needs it.
   */
  serverName?: string | undefined;
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
   * Added to each call, such as a trace by OpenTelemetry; `apiKey` and what a
   * call has of its own go before it.
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

// What the gateway takes of a provider by default; gRPC's own is 4 MiB.
const RESPONSE_BYTES_MAX = 64 << 20;

export function channelOptionsOf(target: string, options: LLMGatewayOptions): ChannelOptions {
  return {
    "grpc.primary_user_agent": `llmgateway-node/${VERSION}`,
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    // A DNS record that says otherwise does not belong to this program.
    "grpc.service_config_disable_resolution": 1,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_receive_message_length": RESPONSE_BYTES_MAX,
    ...(isOnThisMachine(target) && { "grpc.enable_http_proxy": 0 }),
    ...serverNameOf(options),
    ...options.channelOptions,
  };
}

function serverNameOf({ tls }: LLMGatewayOptions): ChannelOptions {
  const name = tls?.serverName;
  if (name === undefined) return {};
  checkText("tls.serverName", name);
  if (!name) throw new ConfigurationError("tls.serverName", "is empty; it is like a host's");
  return { "grpc.ssl_target_name_override": name, "grpc.default_authority": name };
}

export function credentialsOf(target: string, options: LLMGatewayOptions): ChannelCredentials {
  const { plaintext, tls, credentials: own } = options;
  if ([plaintext, tls, own].filter(Boolean).length > 1) {
    throw new ConfigurationError(
      plaintext ? "plaintext" : "credentials",
      "contradicts the other options of TLS; of plaintext, tls and credentials set one",
    );
  }
  if (own && !(own instanceof ChannelCredentials)) {
    throw new ConfigurationError(
      "credentials",
      "are of another copy of @grpc/grpc-js; make them with the credentials of this package",
    );
  }
  if (own) return own;
  if (plaintext) return credentials.createInsecure();
  const isNamed = tls?.serverName ?? options.channelOptions?.["grpc.ssl_target_name_override"];
  if (isNamed === undefined && isAddressList(target)) {
    throw new ConfigurationError(
      "tls.serverName",
      "is not set, and the target is a list: it is the name that the certificates of its " +
        "addresses have",
    );
  }
  const ca = pemOf("tls.ca", tls?.ca);
  const cert = pemOf("tls.cert", tls?.cert);
  const key = pemOf("tls.key", tls?.key);
  if ((cert === null) !== (key === null)) {
    throw new ConfigurationError(
      cert === null ? "tls.cert" : "tls.key",
      "is not set: tls.cert and tls.key belong together",
    );
  }
  try {
    return credentials.createSsl(ca, key, cert);
  } catch (cause) {
    const problem = "cannot be used: ca, cert or key is broken, or they are not of each other";
    throw new ConfigurationError("tls", problem, { cause });
  }
}

function pemOf(option: string, given: string | Buffer | undefined): Buffer | null {
  if (given === undefined) return null;
  const pem = Buffer.from(given as string);
  if (!pem.includes(option === "tls.key" ? "PRIVATE KEY-----" : "CERTIFICATE-----")) {
    throw new ConfigurationError(
      option,
      "has nothing of its kind in PEM; it is the text of a file, and not its path",
    );
  }
  return pem;
}

export function keyOf(apiKey: string | undefined): string | undefined {
  if (apiKey != null) checkText("apiKey", apiKey);
  return apiKey;
}

/** A hundred years: gRPC can send none that are much longer. */
const TIMEOUT_MAX_MS = 36_500 * 24 * 3_600_000;

export function timeoutOf(name: string, timeoutMs: number): number {
  if (typeof timeoutMs !== "number") throw new ConfigurationError(name, "is no number");
  if (timeoutMs > 0) return timeoutMs > TIMEOUT_MAX_MS ? Infinity : timeoutMs;
  throw new ConfigurationError(
    name,
    `is ${timeoutMs}; it is more than 0, and Infinity for no limit`,
  );
}

export function attemptsOf(attemptsMax: number): number {
  if (Number.isInteger(attemptsMax) && attemptsMax > 0) return attemptsMax;
  throw new ConfigurationError(
    "attemptsMax",
    `is ${attemptsMax}; it is a whole number, and at least 1`,
  );
}

/** What there is of an AbortSignal, also one that is not Node's own. */
export function signalOf({ signal }: CallOptions): AbortSignal | undefined {
  if (!signal) return undefined;
  if (typeof signal.aborted === "boolean" && typeof signal.addEventListener === "function") {
    return signal;
  }
  throw new ConfigurationError("signal", "is no AbortSignal");
}

export function checkSupplier(metadata: LLMGatewayOptions["metadata"]): void {
  if (metadata == null || typeof metadata === "function") return;
  throw new ConfigurationError("metadata", "is no function; it is called for each call");
}

export function metadataOf(options: LLMGatewayOptions, call: CallOptions): Metadata {
  const metadata = new Metadata({
    waitForReady: call.waitForReady ?? options.waitForReady ?? false,
  });
  replace(metadata, options.metadata?.());
  if (options.apiKey) metadata.set("authorization", `Bearer ${options.apiKey}`);
  replace(metadata, call.metadata);
  return metadata;
}

/** Of a promise or a Map they would be none. */
function entriesOf(values: MetadataValues): [string, MetadataValues[string]][] {
  const isThenable = typeof values["then"] === "function";
  if (typeof values === "object" && !isThenable && !(Symbol.iterator in values)) {
    return Object.entries(values);
  }
  const what = isThenable ? "a promise" : "no object with values by their names";
  throw new ConfigurationError("metadata", `is ${what}; it is like { "x-team": "search" }`);
}

function replace(metadata: Metadata, values: MetadataValues | undefined): void {
  const all = entriesOf(values ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => [name.toLowerCase(), one] as const),
  );
  for (const [name, value] of all) checkMetadata(name, value);
  for (const [name] of all) metadata.remove(name);
  for (const [name, value] of all) metadata.add(name, value);
}
