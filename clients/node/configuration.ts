import { isIPv4, isIPv6 } from "node:net";

/**
 * What is wrong with an option of an LLMGateway or of a call, which then is not
 * made. It never shows a secret.
 *
 *     try {
 *       gateway = new LLMGateway(target, options);
 *     } catch (error) {
 *       if (error instanceof ConfigurationError) console.error(error.option); // "tls.ca"
 *     }
 */
export class ConfigurationError extends TypeError {
  override readonly name = "ConfigurationError";

  constructor(
    /** Such as `apiKey`, `tls.ca` or, of a call, `metadata["x-team"]`. */
    readonly option: string,
    /** What is wrong with it, and what would be right. */
    readonly problem: string,
    more: { cause?: unknown } = {},
  ) {
    super(`${option} ${problem}`, more);
  }
}

/** @internal Throws for what is no target by its looks. */
export function checkTarget(target: string): void {
  const wrong = (problem: string) => new ConfigurationError("target", problem);
  if (!target) throw wrong("is empty; it is like host:port");
  if (!/^[!-~]*$/.test(target)) {
    throw wrong("has a letter that no address has, such as a space or a line's end");
  }
  if (/^https?:\/\//.test(target)) {
    throw wrong("is a URL; it is like host:port, and plaintext says whether there is TLS");
  }
  const [, scheme, addresses = ""] = /^(ipv[46]):(.*)$/.exec(target) ?? [];
  if (!scheme) return;
  for (const address of addresses.split(",")) {
    if (!isAddress(scheme, address)) {
      throw wrong(`is a list, and '${address}' of it is no address and port`);
    }
  }
}

/** @internal */
export function isAddressList(target: string): boolean {
  return /^ipv[46]:.*,/.test(target);
}

/**
 * @internal Whether it is this machine alone. No proxy stands before that; one would be shown the
 * key, and lead elsewhere.
 */
export function isOnThisMachine(target: string): boolean {
  return target
    .replace(/^(dns|ipv4|ipv6):\/*/, "")
    .split(",")
    .every((address) => /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(address));
}

function isAddress(scheme: string, address: string): boolean {
  const [, host = "", port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (!(Number(port) > 0 && Number(port) < 65536)) return false;
  return scheme === "ipv4" ? isIPv4(host) : /^\[.*\]$/.test(host) && isIPv6(host.slice(1, -1));
}

/** @internal What is wrong in it is not shown. */
export function checkText(option: string, text: string): void {
  if (typeof text !== "string") throw new ConfigurationError(option, "is no text");
  if (!/^[ -~]*$/.test(text)) {
    throw new ConfigurationError(
      option,
      "has what is no printable ASCII letter, such as a line's end",
    );
  }
}

/** @internal Throws for what gRPC cannot send; the name is in small letters. */
export function checkMetadata(name: string, value: unknown): void {
  const option = `metadata[${JSON.stringify(name)}]`;
  if (!/^[0-9a-z_.-]+$/.test(name)) {
    throw new ConfigurationError(option, "cannot be sent; names have letters, digits and -_.");
  }
  if (name.startsWith("grpc-")) {
    throw new ConfigurationError(option, "is gRPC's own; names begin with other than grpc-");
  }
  const isBytes = name.endsWith("-bin");
  if (isBytes ? !Buffer.isBuffer(value) : typeof value !== "string") {
    throw new ConfigurationError(
      option,
      "is bytes or text; of names that end with -bin a Buffer, of all others a string",
    );
  }
  if (typeof value === "string") checkText(option, value);
}
