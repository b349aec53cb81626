package dev.llmgateway;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Why a call failed, with all that the gateway says of it. It can be serialized.
 *
 * <pre>{@code
 * try {
 *   gateway.generate(request);
 * } catch (LLMGatewayException failure) {
 *   if (failure.reason().equals("BUDGET_EXCEEDED")) ...
 * }
 * }</pre>
 */
public final class LLMGatewayException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /** A field of the request that is wrong. */
  public static final class Violation implements Serializable {
    private static final long serialVersionUID = 1;

    private final String field;
    private final String description;

    Violation(String field, String description) {
      this.field = field;
      this.description = description;
    }

    /** Such as {@code messages[0].role}. */
    public String field() {
      return field;
    }

    public String description() {
      return description;
    }
  }

  /** A limit or budget that was reached. */
  public static final class Quota implements Serializable {
    private static final long serialVersionUID = 1;

    private final String subject;
    private final String description;

    Quota(String subject, String description) {
      this.subject = subject;
      this.description = description;
    }

    public String subject() {
      return subject;
    }

    public String description() {
      return description;
    }
  }

  // Of the gateway's reasons; those of others mean something else.
  private static final String DOMAIN = "llmgateway.dev";

  private final Status.Code code;
  private String requestId;
  private String reason = "";
  private final HashMap<String, String> metadata = new HashMap<>();
  private Duration retryAfter;
  private final ArrayList<Violation> violations = new ArrayList<>();
  private final ArrayList<Quota> quotas = new ArrayList<>();

  private LLMGatewayException(Status status, Metadata trailers) {
    super(status.getDescription(), status.getCause());
    code = status.getCode();
    Metadata told = trailers == null ? new Metadata() : trailers;
    String id = told.get(REQUEST_ID);
    requestId = id == null ? "" : id;
    try {
      for (Any detail : StatusProto.fromStatusAndTrailers(status, told).getDetailsList()) {
        read(detail);
      }
    } catch (InvalidProtocolBufferException | IllegalArgumentException malformed) {
      addSuppressed(malformed); // Code and message are told all the same.
    }
  }

  /** Reads how a call ended that was not made by an LLMGateway's methods. */
  public static LLMGatewayException of(Status status, Metadata trailers) {
    return new LLMGatewayException(status, trailers);
  }

  static LLMGatewayException of(
      Status status, Metadata trailers, String reason, String requestId) {
    LLMGatewayException failure = of(status, trailers);
    failure.reason = reason;
    if (!requestId.isEmpty()) {
      failure.requestId = requestId;
    }
    return failure;
  }

  /** Where the end does not say whose it is, as where a connection broke off, the stream does. */
  static LLMGatewayException ofStream(Status status, Metadata trailers, String requestId) {
    LLMGatewayException failure = of(status, trailers);
    if (failure.requestId.isEmpty()) {
      failure.requestId = requestId;
    }
    return failure;
  }

  private void read(Any detail) throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      ErrorInfo info = detail.unpack(ErrorInfo.class);
      if (!info.getDomain().equals(DOMAIN)) {
        return;
      }
      reason = info.getReason();
      metadata.putAll(info.getMetadataMap());
    } else if (detail.is(RetryInfo.class)) {
      com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
      retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
    } else if (detail.is(BadRequest.class)) {
      for (BadRequest.FieldViolation one :
          detail.unpack(BadRequest.class).getFieldViolationsList()) {
        violations.add(new Violation(one.getField(), one.getDescription()));
      }
    } else if (detail.is(QuotaFailure.class)) {
      for (QuotaFailure.Violation one : detail.unpack(QuotaFailure.class).getViolationsList()) {
        quotas.add(new Quota(one.getSubject(), one.getDescription()));
      }
    }
  }

  /** gRPC's code, such as UNAVAILABLE. */
  public Status.Code code() {
    return code;
  }

  /**
   * A name of {@code ErrorReason} in errors.proto without its {@code ERROR_REASON_} prefix; empty
   * if the gateway was not reached.
   */
  public String reason() {
    return reason;
  }

  /** Says more of the reason, by keys that errors.proto names. */
  public Map<String, String> metadata() {
    return Map.copyOf(metadata);
  }

  /** How long to wait before it may work; empty if waiting is not said to help. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  public List<Violation> violations() {
    return List.copyOf(violations);
  }

  public List<Quota> quotas() {
    return List.copyOf(quotas);
  }

  /** The gateway's id of the call; empty if it was not reached. */
  public String requestId() {
    return requestId;
  }
}
