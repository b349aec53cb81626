export { credentials, status } from "@grpc/grpc-js";

export { ConfigurationError } from "./configuration";
export * from "./contract";
export { LLMGatewayError, type Quota, type Violation } from "./errors";
export { deltaText, LLMGateway, textOf, userText } from "./llm_gateway";
export {
  type CallOptions,
  type ClientOptions,
  type ConnectionSecurity,
  type LLMGatewayOptions,
  type MetadataValue,
  type MetadataValues,
  type TlsOptions,
  VERSION,
} from "./options";
export { GenerateStream } from "./stream";
